"""Whether hits are on the strand of the instance that they find."""

import numpy as np

from hitbench.scores import LEAST_TRUE_OVERLAP
from lucidna.motifs.elements import is_palindrome
from lucidna.truth.instances import _overlaps


def same_strand(hits, instances, stands_for, motifs):
    """Return the share of hits on their instance's strand, and how many hits that is of.

    Counted are hits of patterns that stand for one motif, that is not its own reverse complement, where they share half
    of the shorter with an instance of it. A pattern may show its motif's reverse complement: by the strand that most of
    its hits have, which is of no use to a pattern whose strands are drawn at random (one half of its hits).
    """
    both_ways = {motif["name"] for motif in motifs if is_palindrome(np.array(motif["ppm"]))}
    agreed = total = 0
    for pattern, group in hits.groupby("pattern"):
        names = stands_for.get(pattern, ())
        if len(names) != 1 or names[0] in both_ways:
            continue
        known = instances[instances["motif"] == names[0]].reset_index(drop=True)
        hit, instance = _overlaps(group.reset_index(drop=True), known, min_overlap=LEAST_TRUE_OVERLAP)
        same = int((group["strand"].to_numpy()[hit] == known["strand"].to_numpy()[instance]).sum())
        agreed, total = agreed + max(same, len(hit) - same), total + len(hit)
    return (agreed / total if total else float("nan")), total
