"""Edges of stability and divergence."""
