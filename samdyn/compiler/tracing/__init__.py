"""The operations of a step on the scalars of a run, as a graph that torch's operations on tensors are traced to."""
