"""Who is captured by a saddle, when others escape, and what the perturbed gradients do meanwhile."""
