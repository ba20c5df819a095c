"""Attribution maps: one method per file, their ensemble, and the files that other tools read.

Every method gives hypothetical contributions, float32 (N, 4, L), of one scalar of the network: what each base
would contribute at each position.
"""
