"""Balance, sparsity and norms: where training ends."""
