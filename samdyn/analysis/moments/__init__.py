"""Computes means and covariances of noisy runs."""
