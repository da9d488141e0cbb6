"""Means and covariances of noisy runs."""
