"""Whether the final maps say what the networks do: measured on the averaged maps, each measure beside its null."""
