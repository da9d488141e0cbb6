"""Methods as a torch optimizer, whose gradients a closure computes."""
