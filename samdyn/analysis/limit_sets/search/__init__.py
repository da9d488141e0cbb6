"""The search for the attractors on which the runs of a system end."""
