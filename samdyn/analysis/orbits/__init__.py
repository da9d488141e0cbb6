"""How neighbouring runs separate along an orbit, and the limit cycles of flows."""
