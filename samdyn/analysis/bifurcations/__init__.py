"""Computes how equilibria, cycles and orbits change with a parameter."""
