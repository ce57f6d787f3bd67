"""What a caption states, and how each statement is tested against pixels and masks."""
