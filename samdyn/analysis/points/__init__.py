"""Finds critical points of a landscape and equilibria of a flow."""
