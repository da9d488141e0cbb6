"""Critical points and the Hessian's eigenvalues there, as exact numbers."""
