"""What the benchmarks share: the standard synthetic set in its variants, and what tables say of their making."""
