"""Styles of marks: one a file, found by the file's name (see annoengine.som.style)."""
