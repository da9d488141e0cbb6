"""What a sweep calls: a function, the grid of its parameters, and the blocks of cells."""
