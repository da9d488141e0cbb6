"""Cycles and chaos of normalised SAM."""
