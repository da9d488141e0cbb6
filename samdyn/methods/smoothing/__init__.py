"""Methods that perturb the weights at random, or average over all such perturbations."""
