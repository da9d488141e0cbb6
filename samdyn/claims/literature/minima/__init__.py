"""Minima, sharpness and drift along valleys."""
