"""One record of a run for a person: marks, captions, scores, and each claim with its verdict."""
