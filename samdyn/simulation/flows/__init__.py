"""Steppers of ordinary differential equations with a smooth field."""
