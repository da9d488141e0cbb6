"""Data sets for training networks, without a download."""
