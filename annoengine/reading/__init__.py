"""What sources are made of: readers of published files, safe, and never whole in memory."""
