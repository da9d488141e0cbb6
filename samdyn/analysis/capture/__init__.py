"""When a critical point holds the runs near it."""
