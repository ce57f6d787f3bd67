"""The kinds of datasets that can be counted: one file a kind, each with its reader."""
