"""Panoptic captions: their content by item, how two of them are matched, questioned and scored."""
