"""Reads formulas, derives them and compiles them."""
