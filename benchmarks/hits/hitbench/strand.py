"""Whether hits are on the strand of the instance that they find."""

import numpy as np

from lucidna.motifs.elements import is_palindrome


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
        pairs = group.merge(instances[instances["motif"] == names[0]], on="chrom", suffixes=("", "_true"))
        shared = np.minimum(pairs["end"], pairs["end_true"]) - np.maximum(pairs["start"], pairs["start_true"])
        shorter = np.minimum(pairs["end"] - pairs["start"], pairs["end_true"] - pairs["start_true"])
        pairs = pairs[2 * shared >= shorter]
        same = int((pairs["strand"] == pairs["strand_true"]).sum())
        agreed, total = agreed + max(same, len(pairs) - same), total + len(pairs)
    return (agreed / total if total else float("nan")), total
