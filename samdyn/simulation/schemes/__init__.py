"""Schemes that turn a diffusion into steps."""
