"""How far the maps agree in absolute terms: the best of a bad lot is still the best by ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lucidna.ranking.bootstrap import percentile_interval
from lucidna.ranking.fold import Fold

CRITERION = "c_cos"


def agreement_level(
    panel: pd.DataFrame, folds: Mapping[str, Fold], candidate: np.ndarray, chosen: Sequence[str]
) -> dict | None:
    """Give the cosine with the consensus of the chosen, of the highest candidate and of the highest control.

    Parameters
    ----------
    panel
        One row per network: id, c_cos and its ends.
    folds
        Bootstrap draws.
    candidate
        bool, over the rows of the panel; the others are controls.
    chosen
        Ids of what is delivered, may be empty.

    Returns
    -------
    dict that JSON can hold: criterion; delivered (value, lo, hi: the mean over the chosen), highest and control (id,
    value, lo, hi), each None where there is none; n_delivered and n_controls, those whose cosine is known; above,
    whether the lower end of the delivered (of the highest, where nothing is) lies above the upper end of every
    control, None without controls. None where no candidate was compared with others.
    """
    if CRITERION not in panel:
        return None
    value = panel[CRITERION].to_numpy(dtype=np.float64)
    lo, hi = (panel[f"{CRITERION}_{end}"].to_numpy(dtype=np.float64) for end in ("lo", "hi"))
    known = np.isfinite(value)
    if not (candidate & known).any():
        return None

    def top(of: np.ndarray, by: np.ndarray) -> dict | None:
        rows = np.flatnonzero(of & known)
        if not len(rows):
            return None
        row = rows[np.argmax(by[rows])]
        return {"id": str(panel["id"].iloc[row]), **_numbers(value[row], lo[row], hi[row])}

    members = panel["id"].isin(chosen).to_numpy() & known
    delivered = None
    if members.any():
        draws = np.concatenate([fold.draws[CRITERION][:, members[fold.rows]] for fold in folds.values()], axis=1)
        low, high = percentile_interval(draws.mean(axis=1, keepdims=True))
        delivered = _numbers(value[members].mean(), low[0], high[0])
    highest, control = top(candidate, value), top(~candidate, hi)
    return {
        "criterion": CRITERION,
        "delivered": delivered,
        "highest": highest,
        "control": control,
        "n_delivered": int(members.sum()),
        "n_controls": int((~candidate & known).sum()),
        "above": None if control is None else (delivered or highest)["lo"] > control["hi"],
    }


def _numbers(value: float, lo: float, hi: float) -> dict[str, float]:
    return {"value": float(value), "lo": float(lo), "hi": float(hi)}


def level_sentences(level: Mapping | None) -> list[str]:
    """Say what `agreement_level` found, and say so when controls agree as well, or without them nothing does."""
    if level is None:
        return []
    delivered, highest, control = level["delivered"], level["highest"], level["control"]
    scale = "where 1 is the same map and 0 nothing in common"
    if delivered is None:
        whose, what, shown = f"the candidate that agrees best ({highest['id']}) has", "a cosine", highest
    elif level["n_delivered"] == 1:
        whose, what, shown = "the maps of the one delivered have", "a cosine", delivered
    else:
        whose, what, shown = f"the maps of the {level['n_delivered']} delivered have", "a mean cosine", delivered
    first = (
        f"In absolute terms, {whose} {what} of {_digits(shown['value'])} (95 % interval {_ends(shown)}) with the "
        f"consensus of the others, {scale}"
    )
    if control is None:
        nothing = "Its interval reaches 0: these maps have nothing in common beyond chance."
        return [f"{first}."] + ([nothing] if shown["lo"] <= 0 else [])
    many = f"the highest of {level['n_controls']} controls" if level["n_controls"] > 1 else "the control"
    sentences = [f"{first}; {many} has {_digits(control['value'])} ({_ends(control)})."]
    if not level["above"]:
        mine = "even the candidate that agrees best does" if delivered is None else "the delivered do"
        sentences.append(
            f"So {mine} not agree better than a control by more than the intervals: agreement is no evidence here that "
            "maps show what networks have learnt."
        )
    return sentences


def _ends(level: Mapping[str, float]) -> str:
    return f"{_digits(level['lo'])} to {_digits(level['hi'])}"


def _digits(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}"  # never -0.00
