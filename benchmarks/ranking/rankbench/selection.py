"""What is lost by choosing with a score: the truth of what it chooses against the best that there was."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lucidna.ranking.bootstrap import percentile_interval, resample
from lucidna.ranking.prepare import MapSet
from lucidna.truth.metrics import ground_truth_metrics
from rankbench.scores import composite_of, scores_of
from rankbench.store import Population


def selection_table(
    table: pd.DataFrame, population: Population, *, top: int = 10, bootstraps: int = 1000
) -> pd.DataFrame:
    """Compare the choice of every score with the best network.

    Parameters
    ----------
    table
        Rows of the candidates, see `scores.panel_of`.
    population
        Their maps and truth.
    top
        Networks whose unit-norm corrected maps are averaged.

    Returns
    -------
    DataFrame
        score; chosen and its true_cosine; regret_composite and regret_cosine (best minus chosen; the best by
        this truth), regret_lo and regret_hi (interval over regions of the latter); top_cosine (of the average of
        the `top` first); gain, gain_lo, gain_hi (top_cosine minus that of the best single network, interval over
        regions); best_cosine and all_cosine (average of all).
    """
    maps = MapSet([population.maps[row] for row in population.rows("candidate")], population.onehot)
    composite, cosine = composite_of(table), table["true_cosine"].to_numpy()
    counts = resample(maps.n_regions, bootstraps, seed=0)
    best = int(cosine.argmax())
    of_best = _cosines(maps, np.array([best]), population)
    everything = _cosines(maps, np.arange(len(maps)), population).mean()
    found = []
    for name, values in scores_of(table).items():
        order = np.argsort(-np.where(np.isfinite(values), values, -np.inf), kind="stable")
        average = _cosines(maps, order[:top], population)
        gain = average - of_best
        regret = of_best - _cosines(maps, order[:1], population)
        lo, hi = percentile_interval(counts @ np.stack([gain, regret], axis=1) / maps.n_regions)
        found.append(
            {
                "score": name,
                "chosen": table["id"].iloc[order[0]],
                "chosen_cosine": cosine[order[0]],
                "regret_composite": composite.max() - composite[order[0]],
                "regret_cosine": cosine[best] - cosine[order[0]],
                "regret_lo": float(lo[1]),
                "regret_hi": float(hi[1]),
                "top_cosine": average.mean(),
                "gain": gain.mean(),
                "gain_lo": float(lo[0]),
                "gain_hi": float(hi[0]),
                "best_cosine": of_best.mean(),
                "all_cosine": everything,
            }
        )
    return pd.DataFrame(found)


def _cosines(maps: MapSet, rows: np.ndarray, population: Population) -> np.ndarray:
    """True cosine of the average map of some networks, per region (N,)."""
    average = sum(maps.corrected(row).astype(np.float64) for row in rows) / len(rows)
    return ground_truth_metrics(average, population.onehot, population.truth)["cosine"]
