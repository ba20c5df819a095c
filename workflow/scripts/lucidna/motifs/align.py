"""Lay one matrix over another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Alignment(NamedTuple):
    """Where a matrix stands on another.

    Attributes
    ----------
    cosine : float
        Of the two, with zeros beyond their ends; 0 when one of them is 0.
    offset : int
        Column of the first on which the second begins; negative when it begins before it.
    reverse : bool
        Whether the second is turned to its reverse complement.
    """

    cosine: float
    offset: int
    reverse: bool


def align(first: np.ndarray, second: np.ndarray) -> Alignment:
    """Find the shift and the strand at which two matrices, (4, v) and (4, w), have the largest cosine.

    Of equally good alignments the forward strand's comes first, then the one furthest to the left.
    """
    norm = float(np.linalg.norm(first) * np.linalg.norm(second))
    if norm == 0:
        return Alignment(0.0, 0, False)
    found = []
    for reverse, other in ((False, second), (True, second[::-1, ::-1])):
        # "full" begins where the second's last column meets the first's first.
        products = sum(np.correlate(a, b, mode="full") for a, b in zip(first, other, strict=True))
        place = int(np.argmax(products))
        found.append(Alignment(float(products[place]) / norm, place - (second.shape[1] - 1), reverse))
    return max(found, key=lambda alignment: alignment.cosine)


def similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Compare two matrices, (4, v) and (4, w), at their best alignment on either strand: 1 for the same matrix."""
    return align(first, second).cosine


def laid_over(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return what a matrix (4, w) has on the columns of another (4, v), at their best alignment on either strand."""
    _, offset, reverse = align(first, second)
    other = second[::-1, ::-1] if reverse else second
    laid = np.zeros(first.shape)
    start, end = max(offset, 0), min(offset + other.shape[1], first.shape[1])
    laid[:, start:end] = other[:, start - offset : end - offset]
    return laid
