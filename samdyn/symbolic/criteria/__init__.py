"""When a linear map or flow is stable: its polynomial, the inequalities, and the radii at which they hold."""
