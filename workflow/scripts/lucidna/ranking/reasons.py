"""Why candidates are not delivered, counted and named in the words of the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lucidna.ranking.gate import grounds_of

NAMED = 5
"""Most ids that are named in a sentence."""

INTRODUCTIONS = {
    "failed": ("could not be compared", "could not be compared"),
    "gated": ("was stopped at the gate on prediction", "were stopped at the gate on prediction"),
    "vetoed": ("was vetoed for its maps", "were vetoed for their maps"),
}


def name_list(ids: Sequence[str], most: int = NAMED) -> str:
    """List ids, the first few by name."""
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return ", ".join(ids[:most]) + more


def aside_sentences(listed: Mapping[str, Sequence[Mapping[str, str]]]) -> list[str]:
    """Say how many candidates were set aside, and for each ground how many and which.

    Parameters
    ----------
    listed
        "failed", "gated" and "vetoed" -> entries with id and reason.
    """
    sentences = []
    for status, (one, several) in INTRODUCTIONS.items():
        entries = listed[status]
        if not entries:
            continue
        by_ground: dict[str, list[str]] = {}
        for entry in entries:
            for ground in _grounds(status, entry["reason"]):
                by_ground.setdefault(ground, []).append(entry["id"])
        # Grounds that hold for the same candidates are named with them once.
        together: dict[tuple[str, ...], list[str]] = {}
        for ground, ids in by_ground.items():
            together.setdefault(tuple(ids), []).append(ground)
        parts = [
            f"{' and '.join(grounds)}{'' if len(ids) == len(entries) else f' in {len(ids)}'} ({name_list(ids)})"
            for ids, grounds in together.items()
        ]
        sentences.append(f"{len(entries)} {one if len(entries) == 1 else several}: {'; '.join(parts)}.")
    return sentences


def _grounds(status: str, reason: str) -> list[str]:
    if status == "failed":
        # What stands after a colon differs from one to the next.
        return [reason.split(":")[0].removeprefix("its ") or "no reason was recorded"]
    return grounds_of(reason) or [reason or "no reason was recorded"]


def tie_sentences(
    passed: pd.DataFrame, chosen: Sequence[str], metric: str, runs: Mapping[str, object] | None = None
) -> list[str]:
    """Say which candidates have the same score as one that is delivered and are not, and what decided.

    Parameters
    ----------
    passed
        Candidates that passed, best first: id, fold, score, prediction.
    chosen
        Ids of the delivered.
    metric
        Name of the measure of prediction.
    runs
        id -> provenance: what shares a run with a delivered candidate is represented by it.
    """
    inside = passed["id"].isin(chosen)
    taken = set() if runs is None else {runs[name] for name in chosen}
    outside = passed[~inside & ~passed["id"].map(lambda name: runs is not None and runs[name] in taken)]
    sentences = []
    for score in outside["score"].drop_duplicates():
        left = outside[np.isclose(outside["score"], score, rtol=0, atol=1e-9)]
        kept = passed[inside & np.isclose(passed["score"], score, rtol=0, atol=1e-9)]
        if kept.empty:
            continue
        delivered = "is delivered and has" if len(kept) == 1 else "are delivered and have"
        others = f"{name_list(left['id'].tolist())}, which {'is' if len(left) == 1 else 'are'} not"
        sentences.append(
            f"{name_list(kept['id'].tolist())} {delivered} the same score ({score:.2f}) as {others}: "
            f"{_decided(kept, left, metric)}."
        )
    return sentences


def _decided(kept: pd.DataFrame, left: pd.DataFrame, metric: str) -> str:
    """Say what decided between the last that is delivered and the first that is not, of the same score."""
    last, first = kept.iloc[-1], left.iloc[0]
    if kept.index[-1] > left.index[0]:
        return "every fold has its best delivered first"
    if pd.notna(last["prediction"]) and last["prediction"] != first["prediction"]:
        return f"the better validation {metric} decided"
    return "nothing but the order of their names decided"
