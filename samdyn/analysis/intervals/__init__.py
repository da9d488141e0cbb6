"""Interval arithmetic on arrays: enclosures of the values of a formula over many boxes at once."""
