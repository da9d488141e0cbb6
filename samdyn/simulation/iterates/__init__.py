"""Ensembles of maps and of schemes, step by step."""
