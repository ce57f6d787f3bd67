"""What exporters are made of: files that are written in a stream."""
