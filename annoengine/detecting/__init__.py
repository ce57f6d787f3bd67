"""What finding entities is made of: detections as text, tags, and how regions join."""
