"""Simulated data only: what was said of pairs of motifs, beside the pair that was planted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lucidna.iupac import IUPAC
from lucidna.motifs.pair_table import BOTH_EVIDENCE
from lucidna.report.tables import Table, from_frame
from lucidna.truth import match_patterns

_ALIKE = 0.8  # correlation from which an element is a motif, as for patterns


def pairs_against_truth(
    pairs: pd.DataFrame | None, elements: pd.DataFrame | None, motifs: list[dict], *, place: str
) -> Table | None:
    """Tabulate the planted pair, and every other pair that was said to be one.

    Parameters
    ----------
    pairs, elements : DataFrame or None
        pairs.tsv and elements.tsv of the motifs.
    motifs : list of dict
        What truth/motifs.json holds.
    place : str
        Task and head, for the caption.
    """
    planted = [motif for motif in motifs if motif["role"] == "pair"]
    if pairs is None or elements is None or len(planted) != 2:
        return None
    known = {motif["name"]: np.array(motif["ppm"]) for motif in motifs}
    letters = dict(zip(elements["element"], elements["consensus"], strict=True))
    matches = match_patterns({name: letters_ppm(text) for name, text in letters.items()}, known)
    alike = matches[matches["correlation"] >= _ALIKE].set_index("pattern").to_dict("index")
    slack = planted[0]["spacing"]["slack"]
    rows, said, n_others = [], {True: 0, False: 0}, 0
    for record in pairs.assign(evidence=pairs["evidence"].fillna("")).to_dict("records"):
        first, second = (alike.get(record[name]) for name in ("element_a", "element_b"))
        names = [match["motif"] if match else "none of them" for match in (first, second)]
        is_planted = sorted(names) == sorted(motif["name"] for motif in planted)
        n_others += not is_planted
        called = record["evidence"] in BOTH_EVIDENCE
        distance, strands = planted_place(first, second, planted[0], known) if is_planted else (np.nan, "")
        in_place = strands == record["strands"] and abs(distance - record["distance"]) <= slack
        said[is_planted] += called and (in_place or not is_planted)
        if not is_planted and not record["evidence"]:
            continue
        rows.append(
            {
                "motif": names[0],
                "second motif": names[1],
                "planted": "yes" if is_planted else "no",
                "planted distance": f"{distance:+g}" if is_planted else "",
                "planted strands": strands,
                "distance": "" if pd.isna(record["distance"]) else f"{record['distance']:+g}",
                "strands": record["strands"],
                "pairs there": record["at_distance"],
                "expected": record["expected_at_distance"],
                "evidence": record["evidence"],
            }
        )
    pair = " and ".join(motif["name"] for motif in planted)
    found = "found, at its spacing and with more effect than expected" if said[True] else "not found"
    caption = (
        f"Pairs ({place}): the planted pair of {pair} is {found}; of {n_others} other pairs of motifs {said[False]} "
        f"were called so. Distances as in the table of pairs, for the parts of the motifs that were found; the planted "
        f"one varies by {slack} bp"
    )
    columns = ["motif", "second motif", "planted", "planted distance", "planted strands", "distance", "strands"]
    frame = pd.DataFrame(rows, columns=[*columns, "pairs there", "expected", "evidence"])
    return from_frame(frame.sort_values("planted", ascending=False, kind="stable"), caption=caption)


def letters_ppm(text: str) -> np.ndarray:
    """Return the frequencies (4, w) that a consensus stands for: its bases alike, the others never."""
    columns = [[base in IUPAC[letter] for base in "ACGT"] for letter in text]
    ppm = np.array(columns, dtype=float).reshape(-1, 4).T
    return ppm / ppm.sum(axis=0)


def planted_place(
    first: dict[str, Any], second: dict[str, Any], pair: dict, motifs: dict[str, np.ndarray]
) -> tuple[float, str]:
    """Return distance and strands that two elements have in a planted pair.

    Parameters
    ----------
    first, second : dict
        motif, offset and strand of the two elements (`lucidna.truth.match_patterns`).
    pair : dict
        A motif of the pair, with its `spacing`.
    motifs : dict of ndarray
        Matrices (4, w) by name.

    Returns
    -------
    distance : float
        From the begin of the first element to that of the second, along the first one, bp
        (`lucidna.motifs.pairs.Spacing`).
    strands : str
        "same" or "opposite".
    """
    spacing = pair["spacing"]
    begins, signs = [], []
    for match in (first, second):
        start = 0 if match["motif"] == spacing["first"] else spacing["start_to_start"]
        forwards = match["strand"] == "+"
        width = motifs[match["motif"]].shape[1]
        begins.append(start - match["offset"] if forwards else start + width - 1 + match["offset"])
        signs.append(1 if forwards else -1)
    same = (signs[0] == signs[1]) == spacing["same_strand"]
    return float((begins[1] - begins[0]) * signs[0]), "same" if same else "opposite"
