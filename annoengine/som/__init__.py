"""Set-of-Mark: where marks go, and how they are drawn. Knows masks and pixels, not records."""
