"""How far each network is from the best of its fold, with paired bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lucidna.ranking.bootstrap import paired_interval
from lucidna.ranking.fold import SHUFFLED, Fold

COLUMNS = ["fold", "id", "best", "criterion", "difference", "lo", "hi", "separate"]


def difference_table(
    panel: pd.DataFrame,
    folds: Mapping[str, Fold],
    best: Mapping[str, str],
    score: np.ndarray,
    score_draws: np.ndarray,
    prediction_draws: np.ndarray | None = None,
) -> pd.DataFrame:
    """Tabulate network minus best, for the score, the prediction and every criterion measured by region.

    Both sides of a difference are evaluated on the same bootstrap samples of regions, so what the regions have in
    common cancels and the interval is narrower than those of the two values suggest.

    Parameters
    ----------
    panel
        One row per network.
    folds
        Bootstrap draws.
    best
        fold -> id of the best candidate that passed.
    score, score_draws
        (n,) and (B, n).
    prediction_draws
        (n, B) of the metric of prediction, in the same samples of regions within a fold; None where unknown.

    Returns
    -------
    DataFrame
        `COLUMNS`: `separate` says that the interval excludes 0.
    """
    parts = []
    for name, fold in folds.items():
        if name not in best:
            continue
        ids = panel["id"].to_numpy()[fold.rows]
        place = int(np.flatnonzero(ids == best[name])[0])
        known = {"score": (score[fold.rows], score_draws[:, fold.rows])}
        if prediction_draws is not None:
            known["prediction"] = (panel["prediction"].to_numpy()[fold.rows], prediction_draws[fold.rows].T)
        known |= {
            criterion: (panel[criterion].to_numpy()[fold.rows], draws)
            for criterion, draws in fold.draws.items()
            if not criterion.endswith(SHUFFLED)
        }
        for criterion, (values, draws) in known.items():
            lo, hi = paired_interval(draws, draws[:, [place]])
            columns = {"difference": values - values[place], "lo": lo, "hi": hi, "separate": (lo > 0) | (hi < 0)}
            frame = pd.DataFrame({"fold": name, "id": ids, "best": best[name], "criterion": criterion} | columns)
            parts.append(frame[(ids != best[name]) & np.isfinite(frame["difference"])])
    return pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)
