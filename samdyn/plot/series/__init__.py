"""Values of a Dataset over one of its dimensions: lines, intervals, bounds and panels."""
