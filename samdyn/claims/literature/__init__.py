"""The literature on the dynamics of SAM, a file for each claim."""
