"""Ascent with several steps, averages, adaptive radii."""
