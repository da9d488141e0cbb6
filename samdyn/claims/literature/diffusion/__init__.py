"""The spread by noise, as the papers and the iterates have it."""
