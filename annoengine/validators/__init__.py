"""Kinds of datasets that can be validated: one file each, found by the file's name."""
