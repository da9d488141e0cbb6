"""Measures when a critical point captures the runs near it."""
