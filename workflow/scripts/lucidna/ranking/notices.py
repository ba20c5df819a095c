"""What limits the conclusion of a ranking: sentences for its list of notices, and short ones for its paragraph."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lucidna.ranking.fold import Fold
from lucidna.ranking.gate import QUANTILE_MINIMUM
from lucidna.ranking.inputs import Networks
from lucidna.ranking.near_copies import copies_notice, near_copies
from lucidna.ranking.score import MINIMUM_REFERENCES
from lucidna.ranking.separation import in_fold, in_folds

FEW_REGIONS = 50
"""With fewer regions than this intervals are wide."""


def notices_of(
    networks: Networks,
    folds: Mapping[str, Fold],
    candidate: np.ndarray,
    through: np.ndarray,
    unknown: int,
    quantile: float,
) -> list[str]:
    """Say in sentences what limits the conclusion.

    Parameters
    ----------
    networks, folds
        What was compared.
    candidate, through
        bool, over the rows of the table: candidates, and those of them that passed the gate.
    unknown
        Number of candidates without a score, where others have one.
    quantile
        Of the veto on the lowest share.
    """
    notices = []
    for name, fold in folds.items():
        where = in_fold(name, len(folds))
        if fold.n_regions < FEW_REGIONS:
            notices.append(f"Only {fold.n_regions} regions{where} were compared: intervals are wide, 200 are advised.")
        elif fold.n_regions < 200:
            notices.append(f"{fold.n_regions} regions{where} were compared: m1 and m2 are biased below 200.")
        if candidate[fold.rows].all():
            notices.append(f"There is no control{where}: the maps could not be compared with those of one.")
        if _small(fold, through, quantile):
            n = int(through[fold.rows].sum())
            notices.append(
                f"The veto on the lowest {quantile:.0%} was not applied{where}: it needs {QUANTILE_MINIMUM} "
                f"candidates that pass the gate, there {'is' if n == 1 else 'are'} {n}."
            )
    weaker = [name for name, fold in folds.items() if fold.rule == "B"]
    if weaker or not folds:
        where = "" if len(weaker) == len(folds) else in_folds(weaker)
        notices.append(
            f"There are fewer than {MINIMUM_REFERENCES} others to agree with{where}: the weaker rule B was used"
            + (" there." if where else ".")
        )
    if unknown:
        were = "candidate is unknown: it was" if unknown == 1 else "candidates is unknown: they were"
        notices.append(f"The score of {unknown} {were} not gated.")
    return [*notices, *copies_notice(_copies(networks, folds, through)), *_bias_notices(networks, folds)]


def _copies(networks: Networks, folds: Mapping[str, Fold], through: np.ndarray) -> dict[str, list[tuple[str, str]]]:
    """Return fold -> ids of candidates that passed the gate with nearly the same maps and a vote each."""
    ids = networks.table["id"].tolist()
    votes = ids if networks.votes is None else networks.votes
    found = {}
    for name, fold in folds.items():
        rows = [row for row in fold.rows if through[row]]
        pairs = near_copies([networks.maps[row] for row in rows], [votes[row] for row in rows])
        found[name] = [(ids[rows[first]], ids[rows[second]]) for first, second in pairs]
    return found


def limits_of(folds: Mapping[str, Fold], through: np.ndarray, unknown: int, quantile: float) -> list[str]:
    """Say the gravest of these limits in a few words each, for the end of the paragraph; see `notices_of`."""
    limits = []
    for name, fold in folds.items():
        where = in_fold(name, len(folds))
        if fold.n_regions < FEW_REGIONS:
            limits.append(f"Only {fold.n_regions} regions were compared{where}.")
        n = int(through[fold.rows].sum())
        if n and _small(fold, through, quantile):
            noun = "candidate that passes" if n == 1 else "candidates that pass"
            limits.append(f"With {n} {noun} the gate{where} there was no veto on the lowest {quantile:.0%}.")
    if unknown:
        limits.append(f"The score of {unknown} {'candidate' if unknown == 1 else 'candidates'} is unknown.")
    return limits


def _small(fold: Fold, through: np.ndarray, quantile: float) -> bool:
    """Whether the veto on the lowest share was left out because too few candidates passed the gate."""
    return fold.rule == "A*" and quantile > 0 and int(through[fold.rows].sum()) < QUANTILE_MINIMUM


def _bias_notices(networks: Networks, folds: Mapping[str, Fold]) -> list[str]:
    """Say which bias controls' maps were taken out of the consensus."""
    named = {fold: tuple(names) for fold, names in networks.bias_controls.items() if fold in folds}
    notices = []
    for names in dict.fromkeys(named.values()):
        own = [fold for fold in named if named[fold] == names]
        where = "" if len(own) == len(folds) else in_folds(own)
        notices.append(
            f"Bias controls{where}: {', '.join(names)}. What their maps show was taken out of the consensus that "
            "networks are compared with; control_share is the share of a network's map that lies there."
        )
    return notices
