"""What the grammar ``numbered`` is made of."""
