"""How fast a model answers here, beside what the machine could do at most."""
