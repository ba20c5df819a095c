"""Recipes on data of known truth: the same steps for all, scored by the panel of the truth."""
