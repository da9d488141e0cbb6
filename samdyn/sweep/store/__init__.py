"""The results of a sweep on disk: a Zarr store that a killed sweep continues."""
