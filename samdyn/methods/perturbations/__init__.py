"""Methods that take the gradient at another perturbed point than SAM."""
