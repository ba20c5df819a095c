"""Does the ranking hold: populations of small networks whose maps have a known truth."""
