"""What a drawing leaves in captions: a mark's colour or number, told as the segment's own."""
