"""Measurements at trained networks, many at once: performance, sharpness, escape directions, planes of the loss."""
