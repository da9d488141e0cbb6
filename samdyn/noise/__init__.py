"""Where randomness enters."""
