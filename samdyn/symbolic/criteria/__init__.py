"""Stability of linear maps and flows: characteristic polynomial, inequalities, and the radii at which they hold."""
