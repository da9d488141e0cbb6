"""Sets of critical points: what connects their points, and their geometry."""
