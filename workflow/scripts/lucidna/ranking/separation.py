"""What cannot be told from the best, and what would separate it: more regions, or more seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lucidna.ranking.bootstrap import percentile_interval
from lucidna.ranking.families import spread_over_seeds

FEWEST_TIMES = 1.5
"""An estimate of fewer regions than so many times those compared contradicts that they did not separate."""

MOST_SEEDS = 30
"""More seeds of each family than this are not realistic."""


def in_fold(fold: str, n_folds: int) -> str:
    """Return " in fold x", or nothing when there is one fold only."""
    if n_folds == 1:
        return ""
    return f" in {fold}" if str(fold).startswith("fold") else f" in fold {fold}"


def in_folds(folds: Sequence[str]) -> str:
    """Return " in fold x and in fold y", for some folds of several."""
    return " and".join(in_fold(fold, 2) for fold in folds)


def inseparable_from_best(draws: np.ndarray, best: int, *, level: float = 0.95) -> np.ndarray:
    """Mark the candidates whose paired score difference to the best has an interval that includes 0.

    Parameters
    ----------
    draws
        (B, n) bootstrap scores of the candidates of one fold on the same samples of regions.
    best
        Index of the best.

    Returns
    -------
    (n,) bool, False for the best itself.
    """
    lo, hi = percentile_interval(draws[:, [best]] - draws, level=level)
    marked = (lo <= 0) & (hi >= 0)
    marked[best] = False
    return marked


def regions_to_separate(
    draws: np.ndarray, best: int, others: np.ndarray, n_regions: int, *, scores: np.ndarray | None = None
) -> int | None:
    """Estimate how many regions would separate the best from all of `others`.

    The interval of a mean narrows with the square root of the number of regions.

    Parameters
    ----------
    draws
        (B, n) bootstrap scores.
    best
        Index of the best.
    others
        (n,) bool.
    n_regions
        Number of regions behind the draws.
    scores
        (n,) the scores themselves; by default the means of the draws.

    Returns
    -------
    A number of regions to two digits, or None when 50 times as many would not do: the difference is
    practically nil. A tie is never told apart by more regions. 0 when the estimate is not above `FEWEST_TIMES` the
    regions behind the draws, which did not do: ranks move in steps, and how often the two change places is not told
    from the spread.
    """
    scores = draws.mean(axis=0) if scores is None else scores
    needed = 0.0
    for index in np.flatnonzero(others):
        mean, spread = scores[best] - scores[index], (draws[:, best] - draws[:, index]).std()
        if mean <= 0:
            return None
        needed = max(needed, n_regions * (1.96 * spread / mean) ** 2)
    if needed > 50 * n_regions:
        return None
    if needed <= FEWEST_TIMES * n_regions:
        return 0
    unit = 10 ** max(int(np.log10(needed)) - 1, 0)
    return int(np.ceil(needed / unit) * unit)


def seeds_to_separate(table: pd.DataFrame, best: str, other: str) -> int | None:
    """Estimate how many seeds of each of two families would tell their mean scores apart.

    Parameters
    ----------
    table
        Candidates that were compared: family, fold, score; those of one family and fold are its seeds.
    best, other
        Families; `best` is the one that should come out above.

    Returns
    -------
    Seeds of each family in each fold, at least 2. 0 when the spread of a family is not known, because it has one
    seed in each fold; None when `MOST_SEEDS` would not do.
    """
    groups = [table[table["family"] == name] for name in (best, other)]
    spreads = [spread_over_seeds(group["score"], group["fold"]) for group in groups]
    if any(spread.freedom == 0 for spread in spreads):
        return 0
    difference = spreads[0].mean - spreads[1].mean
    if difference <= 0:
        return None
    n_folds = min(group["fold"].nunique() for group in groups)
    needed = 1.96**2 * sum(spread.sd**2 for spread in spreads) / (difference**2 * n_folds)
    return None if needed > MOST_SEEDS else max(2, int(np.ceil(needed)))


def would_separate(
    inseparable: Mapping[str, list[str]],
    needed: Mapping[str, int | None],
    n_regions: Mapping[str, int],
    seeds: Mapping[str, int | None] | None,
) -> str:
    """Say in sentences what would tell the best apart from the others.

    Parameters
    ----------
    inseparable
        fold -> ids that cannot be told from the best of that fold.
    needed
        fold -> number of regions that would separate them, see `regions_to_separate`.
    n_regions
        fold -> number of regions compared.
    seeds
        Another family among them -> `seeds_to_separate`; empty when all are of the best's family; None when
        candidates are families of one and their seeds say nothing.
    """
    parts = []
    for fold, ids in inseparable.items():
        if not ids:
            continue
        where = in_fold(fold, len(n_regions))
        if needed.get(fold) is None:
            parts.append(f"no realistic number of regions{where}: the difference is too small to matter")
        elif needed[fold] == 0:
            parts.append(
                f"more regions than the {n_regions[fold]} compared{where}, on which the order is a tie; how many more "
                "cannot be told from them"
            )
        else:
            parts.append(f"roughly {needed[fold]} regions in place of {n_regions[fold]}{where}")
    return "To separate them would take " + "; ".join(parts) + "." + _seeds_sentence(seeds)


def _seeds_sentence(seeds: Mapping[str, int | None] | None) -> str:
    if seeds is None:
        return ""
    if not seeds:
        return " They are of one family: which of its seeds comes first is chance, so average them."
    known = {name: count for name, count in seeds.items() if count}
    parts = [f"{count} seeds of each to tell its family from {name}" for name, count in known.items()]
    alike = [name for name, count in seeds.items() if count is None]
    if alike:
        parts.append(f"no realistic number of seeds to tell it from {_listed(alike)}")
    unknown = [name for name, count in seeds.items() if count == 0]
    if unknown:
        parts.append(
            f"at least 3 seeds of each (grid.seeds) to know how far it differs from {_listed(unknown)} beyond chance"
        )
    return " As to families, it would take " + "; ".join(parts) + "."


def _listed(names: list[str]) -> str:
    shown = [f"{len(names) - 3} more"] if len(names) > 4 else []
    shown = [*names[: 3 if shown else 4], *shown]
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1]
