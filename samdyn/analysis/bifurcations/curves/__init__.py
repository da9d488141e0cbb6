"""Follows bifurcations over two parameters."""
