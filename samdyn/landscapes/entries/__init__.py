"""The entries of the catalogue. A new file of this folder with a function that makes a landscape adds it."""
