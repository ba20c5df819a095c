"""Signals and controls that follow the bases of an edited sequence."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def move_signal(signal: Tensor, source: Tensor, *, offset: int) -> Tensor:
    """Give every base of an edited sequence the signal that was measured on it.

    Parameters
    ----------
    signal : Tensor
        (n, C, W), measured on the bases `offset` to `offset + W` of the sequence before the edit.
    source : Tensor
        int64 (n, L): where the base at each position stood before the edit; L or more for a new base.
    offset : int
        May be negative, and the window may end behind the sequence; nothing is moved there.

    Returns
    -------
    Tensor
        (n, C, W). Zero where the base is new, or came from outside of the window.
    """
    width, length = signal.shape[-1], source.shape[1]
    columns = torch.arange(offset, offset + width, device=source.device)
    inside = (columns >= 0) & (columns < length)
    came_from = source[:, columns.clamp(0, length - 1)]
    place = came_from - offset
    known = inside & (came_from < length) & (place >= 0) & (place < width)
    place = place.clamp(0, width - 1)[:, None].expand(-1, signal.shape[1], -1)
    return signal.gather(2, place) * known[:, None]


def log_totals(signal: Tensor, channels: Sequence[Sequence[int]]) -> Tensor:
    """Return log1p of each task's signal (n, C, L_out), summed over its channels and the window, (n, T)."""
    totals = signal.sum(dim=-1, dtype=torch.float64)
    sums = torch.stack([totals[:, list(rows)].sum(dim=1) for rows in channels], dim=1)
    return torch.log1p(sums).to(signal.dtype)
