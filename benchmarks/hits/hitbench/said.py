"""What the workflow said of pairs and patterns, beside the planted motifs that they are."""

from lucidna.files import read_json, read_tsv


def pair_rows(motifs, folder):
    """List every pair of elements with the motifs that they are, and what was said of it."""
    pairs, elements = read_tsv(motifs / "pairs.tsv"), read_tsv(motifs / "elements.tsv")
    known = dict(zip(elements["element"], elements["consensus"], strict=True))
    truth = read_json(folder / "simulate" / "truth" / "motifs.json")
    names = {element: nearest_motif(consensus, truth) for element, consensus in known.items()}
    table = pairs.assign(motif_a=pairs["element_a"].map(names), motif_b=pairs["element_b"].map(names))
    planted = [
        "yes" if {a, b} == {m["name"] for m in truth if m["role"] == "pair"} else "no"
        for a, b in zip(table["motif_a"], table["motif_b"], strict=True)
    ]
    columns = ["motif_a", "motif_b", "planted", "regions_both", "expected_both", "co_occurrence_p", "co_occurrence_q"]
    columns += ["distance", "strands", "at_distance", "expected_at_distance", "spacing_q", "interaction"]
    columns += ["interaction_expected", "interaction_p", "interaction_q", "evidence"]
    return table.assign(planted=planted)[columns].round(4)


def label_rows(patterns, stands_for, known):
    """List every pattern with its label, and the planted motifs that it is."""
    roles = {motif["name"]: motif["role"] for motif in known}
    motifs = [stands_for[name] for name in patterns["pattern"]]
    truth = [
        "none" if not names else "decoy" if all(roles[name] == "decoy" for name in names) else "functional"
        for names in motifs
    ]
    table = patterns.assign(motifs=["+".join(names) for names in motifs], truth=truth)
    return table[
        ["pattern", "consensus", "n_seqlets", "statistic", "ratio", "p_value", "q_value", "label", "motifs", "truth"]
    ].round(4)


def nearest_motif(consensus, motifs):
    """Return the planted motif that shares most letters with a consensus, on either strand, at any offset."""
    complement = str.maketrans("ACGTMRWSYKN", "TGCAKYWSRMN")
    best = (0, "none")
    for motif in motifs:
        for word in (consensus, consensus.translate(complement)[::-1]):
            other = motif["consensus"]
            for offset in range(-len(other) + 4, len(word) - 3):
                pairs = [(word[i], other[i - offset]) for i in range(len(word)) if 0 <= i - offset < len(other)]
                best = max(best, (sum(a == b for a, b in pairs), motif["name"]))
    return best[1] if best[0] >= 6 else "none"
