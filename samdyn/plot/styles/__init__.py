"""Colours, names and legends that all pictures share."""
