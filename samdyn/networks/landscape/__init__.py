"""The loss of a network as a landscape of its parameters."""
