"""Where runs end: attractors, their basins and the separatrices between them."""
