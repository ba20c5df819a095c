"""Maps averaged over the two strands and over small shifts of a sequence; planning reads its settings without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lucidna.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

AVERAGE: dict[str, Any] = {"reverse_complement": False, "shift": 0}
"""What is averaged over, by default: nothing."""


def averaging(settings: Mapping[str, Any] | None, *, length: int) -> dict[str, Any]:
    """Return the settings with defaults filled in.

    Raises
    ------
    UserError
        For a shift as long as half of the sequence.
    """
    settings = {**AVERAGE, **(settings or {})}
    if 2 * settings["shift"] >= length:
        raise UserError(
            f"attribution.average.shift is {settings['shift']}, half of the input of {length} bp or more: give a few bp"
        )
    return settings


def averaged(
    explain: Callable[[Tensor], np.ndarray], onehot: Tensor, *, reverse_complement: bool = False, shift: int = 0
) -> np.ndarray:
    """Explain every view of the sequences, undo the view, and average.

    The reverse complement turns a map around on both axes; a shift by s bp moves the sequence along, leaves
    columns of N behind, and is undone by moving the map back (ShiftSmooth: arXiv:2507.09754, 2025, which does the
    same over more shifts). A position is averaged over the views that hold it. Each view costs as much as
    the map alone: ``(1 + reverse_complement) * (2 * shift + 1)`` times in all.

    Parameters
    ----------
    explain : callable
        Sequences (n, 4, L) -> maps (n, 4, L). Called first on the sequences as they are.
    onehot : Tensor
        float32 (n, 4, L).
    reverse_complement : bool
        Whether the other strand is a view too.
    shift : int
        Largest shift in bp, in both directions.

    Returns
    -------
    array
        float32 (n, 4, L).
    """
    length = onehot.shape[2]
    total = np.zeros(tuple(onehot.shape), dtype=np.float64)
    count = np.zeros(length)
    for by in sorted(range(-shift, shift + 1), key=abs):
        moved = onehot.roll(by, dims=2)
        here, there = slice(max(-by, 0), length - max(by, 0)), slice(max(by, 0), length + min(by, 0))
        if by:
            moved[:, :, : there.start] = 0
            moved[:, :, there.stop :] = 0
        for turned in (False, True)[: 1 + reverse_complement]:
            maps = explain(moved.flip(1, 2) if turned else moved)
            maps = maps[:, ::-1, ::-1] if turned else maps
            total[:, :, here] += maps[:, :, there]
            count[here] += 1
    return (total / count).astype(np.float32)
