"""What summary.json says of the runs of TF-MoDISco behind a set of patterns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from lucidna.motifs.null import AS_NULL, SUPPORTING, UNTESTED, WEAK
from lucidna.motifs.patterns import Discovery, Pattern
from lucidna.motifs.reproducibility import CANDIDATE, not_among


def describe_runs(
    found: Discovery,
    shuffled: Sequence[Discovery],
    permuted: Sequence[Discovery],
    again: Mapping[str, Mapping[str, Discovery]],
    patterns: Sequence[Pattern],
    found_again: pd.DataFrame,
) -> dict:
    """Describe the run on the real maps, on each null, and those in which the patterns were looked up.

    Parameters
    ----------
    found, shuffled, permuted : Discovery, sequences of Discovery
    again : mapping
        Kind -> name -> other runs (`reproducibility.read_runs`).
    patterns : sequence of Pattern
        Those of `found`, and their halves.
    found_again : DataFrame
        `reproducibility.look_up`.

    Returns
    -------
    dict
        discovery, nulls, permuted: facts of each run without its notices; runs: names by kind; only_in_candidates:
        patterns of a candidate's own run that are none of these; seqlet_cap_bound: by sign, whether the cap on
        seqlets left some out.
    """
    return {
        "discovery": _without_notices(found),
        "nulls": [_without_notices(null) for null in shuffled],
        "permuted": [_without_notices(null) for null in permuted],
        "runs": {kind: list(named) for kind, named in again.items()},
        "only_in_candidates": {
            name: [pattern.name for pattern in not_among(patterns, run, found_again, kind=CANDIDATE, name=name)]
            for name, run in again.get(CANDIDATE, {}).items()
        },
        "seqlet_cap_bound": {
            sign: 0 < found.facts[f"{sign}_seqlets_used"] < found.facts[f"{sign}_seqlets_seen"]
            for sign in ("pos", "neg")
        },
    }


def unseen_notices(table: pd.DataFrame) -> list[str]:
    """Say which patterns the null supports although the maps do not show them once.

    What holds two strong motifs is larger than anything that noise gives, so a mixture of them is supported, too.
    """
    unseen = table.loc[table["label"].isin(SUPPORTING) & (table["hits"] == 0), "pattern"]
    return [
        f"{name} is called supported, but no instance of it is found: it may be a mixture of other motifs"
        for name in unseen
    ]


def describe_patterns(found: Discovery, table: pd.DataFrame, *, halves: Collection[str]) -> dict:
    """Count the patterns of a run by sign and label.

    Parameters
    ----------
    found : Discovery
    table : DataFrame
        pattern, label, match (empty for none): one line per pattern, and per half.
    halves : collection of str
        Names of the halves (`halves.lone_halves`), which are counted apart.

    Returns
    -------
    dict
        patterns: total, pos, neg, supported, halves, matched; labels: their numbers.
    """
    own = table[~table["pattern"].isin(list(halves))]
    return {
        "patterns": {
            "total": len(own),
            "pos": found.facts["pos_patterns"],
            "neg": found.facts["neg_patterns"],
            "supported": int(own["label"].isin(SUPPORTING).sum()),
            "halves": len(halves),
            "matched": int((own["match"] != "").sum()),
        },
        "labels": {label: int((own["label"] == label).sum()) for label in (*SUPPORTING, WEAK, AS_NULL, UNTESTED)},
    }


def _without_notices(found: Discovery) -> dict:
    return {key: value for key, value in found.facts.items() if key != "notices"}
