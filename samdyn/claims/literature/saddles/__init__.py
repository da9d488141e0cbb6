"""Saddles without noise: attractors, traps and escapes."""
