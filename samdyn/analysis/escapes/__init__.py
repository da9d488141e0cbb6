"""Measures when runs leave a saddle or a box."""
