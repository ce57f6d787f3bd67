"""What people write about records: their corrections, how these are read, and what they change."""
