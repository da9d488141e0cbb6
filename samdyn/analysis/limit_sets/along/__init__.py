"""Attractors and basins along a parameter, each attractor with one identity."""
