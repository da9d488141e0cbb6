"""What many people believe, and what fails for the algorithm that people run."""
