"""Thresholds, biases and escape under noise."""
