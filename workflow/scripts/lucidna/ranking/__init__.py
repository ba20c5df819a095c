"""Rank networks by prediction and by how far their attribution maps can be believed."""
