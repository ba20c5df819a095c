"""Compare maps, hits and patterns with a known answer.

A module per kind of answer: `metrics` for maps against the matrices or the mask behind the sequences,
`instances` for hits against instances with genome coordinates, `patterns` for discovered motifs against
planted ones.
"""

from lucidna.truth.instances import instance_recovery, mask_windows, read_instances
from lucidna.truth.metrics import aupr, auroc, ground_truth_metrics, mask_auc
from lucidna.truth.patterns import compare_patterns, match_patterns

__all__ = [
    "aupr",
    "auroc",
    "compare_patterns",
    "ground_truth_metrics",
    "instance_recovery",
    "mask_auc",
    "mask_windows",
    "match_patterns",
    "read_instances",
]
