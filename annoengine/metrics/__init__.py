"""Metrics: one a file, found by the file's name (see annoengine.registry)."""
