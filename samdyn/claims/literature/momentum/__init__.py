"""Momentum and batch size."""
