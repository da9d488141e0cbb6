"""Proofs by interval arithmetic that no critical point, or exactly one, lies in a box."""
