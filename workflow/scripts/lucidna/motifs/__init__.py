"""Find motifs in attribution maps, test them against a null, name them and place them on the genome."""
