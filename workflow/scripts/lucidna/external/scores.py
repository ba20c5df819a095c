"""The table of prediction scores that goes with maps from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lucidna.errors import UserError, nearest
from lucidna.ranking.prediction import problem_of_score


def read_scores(path: str | Path, ids: Sequence[str], *, metric: str) -> tuple[dict[str, list[float]], bool]:
    """Read a validation score for every candidate.

    Parameters
    ----------
    path : path
        Tab-separated, with a header: column "id", column `metric` (higher is better), and where known
        `<metric>_lo` and `<metric>_hi`, the ends of its interval.
    ids : sequence of str
        The candidates; the table has each of them once, and no other.
    metric : str
        Name of the score.

    Returns
    -------
    scores : dict[str, list[float]]
        id -> [value], or [value, lower end, upper end].
    intervals : bool
        Whether the table has the intervals.

    Raises
    ------
    UserError
        A missing column; candidates that are missing, repeated or not among `ids`; scores that are not finite,
        not on the metric's scale, or outside of their interval.
    """
    path = Path(path)
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, comment="#")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UserError(f"{path} cannot be read as a tab-separated table ({error}): mend the file") from error
    intervals = {f"{metric}_lo", f"{metric}_hi"} <= set(table)
    columns = [metric, f"{metric}_lo", f"{metric}_hi"] if intervals else [metric]
    for column in ("id", metric):
        if column not in table:
            guess = nearest(column, table.columns)
            hint = f"did you mean '{guess}'?" if guess else f"it has {', '.join(table.columns)}"
            raise UserError(f"{path} has no column '{column}': {hint}")
    given = table["id"].tolist()
    _same_candidates(path, given, list(ids))
    values = table[columns].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    for row, name in enumerate(given):
        if not np.isfinite(values[row]).all():
            text = ", ".join(table[columns].iloc[row])
            raise UserError(f"{path}: the {metric} of '{name}' is '{text}', which is not a finite number: mend the row")
        problem = problem_of_score(metric, *values[row])
        if problem:
            raise UserError(f"{path}: the {metric} of '{name}' is {problem}")
    return {name: values[row].tolist() for row, name in enumerate(given)}, intervals


def _same_candidates(path: Path, given: list[str], ids: list[str]) -> None:
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        raise UserError(f"{path} has candidate '{twice[0]}' more than once: give one row for each")
    extra = [name for name in given if name not in ids]
    if extra:
        guess = nearest(extra[0], ids)
        hint = f"did you mean '{guess}'?" if guess else "remove its row, or add it to external"
        raise UserError(f"{path} has candidate '{extra[0]}', which is no candidate of the config's external: {hint}")
    missing = [name for name in ids if name not in given]
    if missing:
        raise UserError(f"{path} has no row for candidate '{missing[0]}': add it, or leave out 'scores' altogether")
