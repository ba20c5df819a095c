"""Which signal and control channels of a dataset belong to which task and strand."""

from __future__ import annotations

from lucidna.dataset import Dataset


def task_channels(dataset: Dataset) -> list[list[int]]:
    """Return each task's signal channels; one channel per task where there is no track."""
    if dataset.info["target"] == "binary" or not dataset.info.get("tracks"):
        return [[task] for task in range(len(dataset.info["tasks"]))]
    return [list(track["channels"]) for track in dataset.info["tracks"]]


def n_controls(dataset: Dataset) -> int:
    """Return the number of control channels that a network reads: none for the target "binary"."""
    return 0 if dataset.info["target"] == "binary" else int(dataset.info.get("n_controls") or 0)


def strand_orders(dataset: Dataset) -> tuple[list[int], list[int]]:
    """Return the signal and the control channels as they lie on the other strand.

    A track with two channels, or two controls, exchanges them; all others stay.
    """
    signals = list(range(sum(len(channels) for channels in task_channels(dataset))))
    controls = list(range(n_controls(dataset)))
    for track in dataset.info.get("tracks") or []:
        for order, pair in ((signals, track["channels"]), (controls, track.get("control") or [])):
            if len(pair) == 2 and max(pair) < len(order):
                order[pair[0]], order[pair[1]] = pair[1], pair[0]
    return signals, controls
