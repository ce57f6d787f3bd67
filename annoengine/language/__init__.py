"""English sentences as words with their grammar: parsing, and what WordNet knows of words."""
