"""Outcomes and ratios over two parameters."""
