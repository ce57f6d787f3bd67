"""What each threshold on a stored score would keep: counted, told in tables, drawn."""
