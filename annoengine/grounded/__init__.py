"""Grounded captions: phrases tagged with the segments they are about, written, read and judged."""
