"""Criteria that need the network again: how stable its maps are, and how far they say what it does.

One criterion per file. Each takes functions in place of a network, `explain` (one-hot sequences -> corrected maps) or
`predict` (one-hot sequences -> numbers), and gives one value per region. None of them enters the score.
"""
