"""How equilibria and orbits change with a parameter."""
