"""Training: one candidate at a time, from arrays on disk to a network with its validation predictions."""
