"""What validators are made of: one family of checks a file."""
