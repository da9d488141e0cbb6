"""Landscapes with runs, phase portraits, basins and bifurcation diagrams."""
