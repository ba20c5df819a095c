"""Look up each pattern in the runs of single candidates, further methods, other outputs and nulls."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lucidna.motifs.align import laid_over, similarity
from lucidna.motifs.elements import Part, elements, least_cosine
from lucidna.motifs.patterns import Discovery, Pattern, read_discovery

CANDIDATE, METHOD, OUTPUT = "candidate", "method", "output"
NULL = "null maps"  # pandas reads the one word as a missing value
COUNTS = {
    CANDIDATE: ("candidates", "n_candidates"),
    METHOD: ("methods", "n_methods"),
    OUTPUT: ("outputs", "n_outputs"),
    NULL: ("nulls", "n_nulls"),
}
"""Per kind of run: the columns of runs that show a pattern, and of all runs that could have."""
UNSEARCHED = "nulls_unsearched"
"""Column of the null runs that had too few seqlets of the pattern's sign to be searched."""

COLUMNS = ["pattern", "kind", "run", "found", "best", "similarity", "p_value"]
FOUND, MISSING, NO_SEQLETS = "yes", "no", "too few seqlets"

_ALPHA = 0.01  # of a match with any pattern of a run
_LEAST_SIMILARITY = 0.7
_LEAST_TARGETS = 200  # tomtom's background is made of the columns of its targets


def read_runs(paths: Mapping[str, Mapping[str, str | Path]], *, trim: float) -> dict[str, dict[str, Discovery]]:
    """Read the pattern files of runs, kind -> name -> path."""
    return {
        kind: {name: read_discovery(path, trim=trim) for name, path in named.items()} for kind, named in paths.items()
    }


def look_up(
    patterns: Sequence[Pattern], runs: Mapping[str, Mapping[str, Discovery]], *, threads: int = 1
) -> pd.DataFrame:
    """Say of each pattern in which runs it was found.

    The contribution matrices of the trimmed cores, each scaled to a largest column of 1, are compared with Tomtom
    (Gupta et al. 2007, both strands) as implemented in memelite. A run shows a pattern when one of its patterns
    of the same sign has p <= 0.01 after Bonferroni's correction for their number, and a cosine of at least 0.7 at the
    best alignment: p alone lets a part pass for the whole. A composite of two motifs has .71 with either, so each of
    its elements (`elements.elements`) must have .7 on its own columns. Tomtom takes its background from the columns of
    the targets. Few runs have few patterns, most of them copies of each other, so copies with their columns and
    bases in another order are added up to 200 targets.

    Parameters
    ----------
    patterns : sequence of Pattern
    runs : mapping
        Kind (`CANDIDATE`, `METHOD`, `OUTPUT` or `NULL`) -> name -> patterns found in that run.
    threads : int

    Returns
    -------
    DataFrame
        One line per pattern and run: pattern, kind, run, found ("yes", "no", or "too few seqlets" where the run
        clustered none of the pattern's sign, which says nothing of it), best (the run's most similar pattern of the
        sign), similarity (cosine, -1 to 1), p_value (corrected); the last three are empty where the run has no
        pattern of the sign.
    """
    named = [(kind, name, run) for kind, members in runs.items() for name, run in members.items()]
    p_values = _p_values(patterns, [pattern for _, _, run in named for pattern in run.patterns], threads=threads)
    rows, parts = [], elements(patterns)[0]
    for i, pattern in enumerate(patterns):
        first = 0
        for kind, name, run in named:
            own = p_values[i, first : first + len(run.patterns)]
            first += len(run.patterns)
            rows.append((pattern.name, kind, name, *_best(pattern, run, own, parts[pattern.name])))
    return pd.DataFrame(rows, columns=COLUMNS)


def counts(table: pd.DataFrame, patterns: Sequence[Pattern], *, kinds: Sequence[str] = tuple(COUNTS)) -> pd.DataFrame:
    """Count, per pattern, the runs of each kind that show it and those that could have.

    A candidate whose maps gave too few seqlets does not show the pattern. A method that ran on too few regions
    for any cluster is not counted at all, nor is a null with too few seqlets: not to find a pattern
    where none was sought says nothing for it.

    Parameters
    ----------
    table : DataFrame
        From `look_up`.
    patterns : sequence of Pattern
    kinds : sequence of str
        Kinds of runs.

    Returns
    -------
    DataFrame
        pattern, and the columns of `COUNTS`, int; with `NULL` among the kinds also `UNSEARCHED`.
    """
    result = _names(patterns)
    for kind in kinds:
        part = table[table["kind"] == kind]
        unsearched = part["found"] == NO_SEQLETS
        if kind == NULL:
            lacking = part[unsearched]["pattern"].value_counts()
            result[UNSEARCHED] = result["pattern"].map(lacking).fillna(0).astype(int)
        if kind != CANDIDATE:
            part = part[~unsearched]
        found, total = COUNTS[kind]
        result[found] = result["pattern"].map(part[part["found"] == FOUND]["pattern"].value_counts())
        result[total] = result["pattern"].map(part["pattern"].value_counts())
        result = result.fillna({found: 0, total: 0}).astype({found: int, total: int})
    return result


def group_counts(
    table: pd.DataFrame, patterns: Sequence[Pattern], candidates: Mapping[str, Mapping[str, object]]
) -> pd.DataFrame:
    """Count the folds, seeds and families of the candidates that show each pattern.

    Parameters
    ----------
    table : DataFrame
        From `look_up`.
    patterns : sequence of Pattern
    candidates : mapping
        Candidate id -> its "fold", "seed" and "family".

    Returns
    -------
    DataFrame
        pattern; folds, n_folds, seeds, n_seeds, families, n_families: those with at least one candidate that
        shows the pattern, and all of those looked at.
    """
    part = table[(table["kind"] == CANDIDATE) & table["run"].isin(list(candidates))]
    result = _names(patterns)
    for column, key in (("folds", "fold"), ("seeds", "seed"), ("families", "family")):
        value = part["run"].map({name: str(entry[key]) for name, entry in candidates.items()})
        shown = value[part["found"] == FOUND].groupby(part["pattern"]).nunique()
        result[column] = result["pattern"].map(shown).fillna(0).astype(int)
        result[f"n_{column}"] = value.nunique()
    return result


def not_among(
    patterns: Sequence[Pattern], run: Discovery, table: pd.DataFrame, *, kind: str, name: str
) -> list[Pattern]:
    """Return the patterns of a run that are like none of `patterns`: what averaging the networks' maps has hidden."""
    taken = set(table.loc[(table["kind"] == kind) & (table["run"] == name) & (table["found"] == FOUND), "best"])
    return [
        rival
        for rival in run.patterns
        if rival.name not in taken
        and not any(other.sign == rival.sign and _cosine(other, rival) >= _LEAST_SIMILARITY for other in patterns)
    ]


def _names(patterns: Sequence[Pattern]) -> pd.DataFrame:
    return pd.DataFrame({"pattern": [pattern.name for pattern in patterns]}, dtype=object)


def _least_of_elements(pattern: Pattern, rival: Pattern, parts: Sequence[Part]) -> float:
    """Return the cosine of that element which the other has least, where the patterns are best aligned."""
    core = pattern.cwm[:, pattern.core]
    return float(least_cosine(core, laid_over(core, rival.cwm[:, rival.core])[None], parts)[0])


def _best(
    pattern: Pattern, run: Discovery, p_values: np.ndarray, parts: Sequence[Part]
) -> tuple[str, str, float, float]:
    if not run.facts[f"{pattern.sign}_seqlets_used"]:
        return NO_SEQLETS, "", np.nan, np.nan
    same = [j for j, rival in enumerate(run.patterns) if rival.sign == pattern.sign]
    if not same:
        return MISSING, "", np.nan, np.nan
    cosines = {j: _cosine(pattern, run.patterns[j]) for j in same}
    corrected = {j: min(1.0, float(p_values[j]) * len(same)) for j in same}
    passing = [j for j in same if corrected[j] <= _ALPHA and cosines[j] >= _LEAST_SIMILARITY]
    passing = [j for j in passing if _least_of_elements(pattern, run.patterns[j], parts) >= _LEAST_SIMILARITY]
    best = max(passing or same, key=lambda j: cosines[j])
    return FOUND if passing else MISSING, run.patterns[best].name, cosines[best], corrected[best]


def _cosine(first: Pattern, second: Pattern) -> float:
    return similarity(first.cwm[:, first.core], second.cwm[:, second.core])


def _p_values(queries: Sequence[Pattern], targets: Sequence[Pattern], *, threads: int) -> np.ndarray:
    """Compare cores with Tomtom: p-values (queries, targets)."""
    if not queries or not targets:
        return np.ones((len(queries), len(targets)))
    # Imported here: numba compiles it on first use.
    from memelite import tomtom

    matrices = [_scaled(pattern) for pattern in targets]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="tomtom was given")
        found = tomtom([_scaled(pattern) for pattern in queries], [*matrices, *_reordered(matrices)], n_jobs=threads)
    return np.clip(found[0][:, : len(targets)], 0.0, 1.0)


def _scaled(pattern: Pattern) -> np.ndarray:
    """Return the core of the CWM with its largest column (sum over bases) 1; negative patterns are turned positive."""
    core = pattern.cwm[:, pattern.core] * (1 if pattern.sign == "pos" else -1)
    return np.ascontiguousarray(core / max(np.abs(core).sum(axis=0).max(), 1e-30))


def _reordered(matrices: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield copies with columns and bases in random order, as many as tomtom lacks targets."""
    rng = np.random.default_rng(0)
    for i in range(max(_LEAST_TARGETS - len(matrices), 0)):
        matrix = matrices[i % len(matrices)]
        yield np.ascontiguousarray(matrix[rng.permutation(4)][:, rng.permutation(matrix.shape[1])])
