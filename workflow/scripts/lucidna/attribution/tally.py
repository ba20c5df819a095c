"""What is made of a block of regions, and what is measured beside the maps, over blocks and members."""

from __future__ import annotations

import logging
import time
from typing import Any, NamedTuple

import numpy as np

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 5.0

ENOUGH_EXPLAINED = 0.5
"""Median share of the variance of unseen mutants below which a surrogate is another function than the network."""


class Part(NamedTuple):
    """What one member says of a block of regions.

    Attributes
    ----------
    rows : array
        int64 (n,), increasing positions among the regions that are explained.
    maps : array
        Hypothetical contributions, float32 (n, 4, L).
    prediction : array
        float32 (n,) outputs.
    delta : array or None
        float32 (n,), what the contributions fail to add up to, where a method promises a sum.
    explained : array or None
        float32 (n,), share of the variance of unseen mutants that a surrogate explains.
    angles : dict or None
        Share of positions whose gradient is off the simplex, by degrees (`correction.angle_shares`).
    """

    rows: np.ndarray
    maps: np.ndarray
    prediction: np.ndarray
    delta: np.ndarray | None = None
    explained: np.ndarray | None = None
    angles: dict[str, float] | None = None


class Tally:
    """What is measured beside the maps.

    Parameters
    ----------
    n_regions : int
        N.

    Attributes
    ----------
    prediction : array
        float64 (N,), summed over members.
    delta : array
        float32 (N,), the largest of the members; NaN where there is none.
    """

    def __init__(self, n_regions: int):
        self.prediction = np.zeros(n_regions)
        self.delta = np.full(n_regions, np.nan, dtype=np.float32)
        self._angles: list[tuple[int, dict[str, float]]] = []
        self._explained: list[np.ndarray] = []

    def add(self, part: Part) -> None:
        """Count a part; the order of parts is that of members, then of regions."""
        self.prediction[part.rows] += part.prediction
        if part.delta is not None:
            self.delta[part.rows] = np.fmax(self.delta[part.rows], part.delta)
        if part.angles is not None:
            self._angles.append((len(part.rows), part.angles))
        if part.explained is not None:
            self._explained.append(part.explained)

    def summary(self) -> dict[str, Any]:
        """Return delta (median, q95, max), angles (mean shares) and explained (median, q05), each None when unknown."""
        delta, angles, explained = None, None, None
        if np.isfinite(self.delta).any():
            median, high, largest = np.nanquantile(self.delta, [0.5, 0.95, 1.0]).tolist()
            delta = {"median": median, "q95": high, "max": largest}
        if self._angles:
            weights = [count for count, _ in self._angles]
            shares = [found for _, found in self._angles]
            angles = {key: float(np.average([found[key] for found in shares], weights=weights)) for key in shares[0]}
        if (known := self._known_fits()).size:
            low, median = np.quantile(known, [0.05, 0.5]).tolist()
            explained = {"median": median, "q05": low}
        return {"delta": delta, "angles": angles, "explained": explained}

    def notice(self) -> str:
        """Say that surrogates do not fit the networks; empty when they do, or when there are none."""
        known = self._known_fits()
        if not known.size or (median := float(np.median(known))) >= ENOUGH_EXPLAINED:
            return ""
        return (
            f"in the median region the surrogate explains {max(median, 0):.0%} of the variance of mutants that it has "
            "not seen, too little for its map to be the network's: raise attribution.methods.surrogate.mutants "
            "(several times the window's bases), or leave the method out"
        )

    def _known_fits(self) -> np.ndarray:
        """Return `explained` of all parts together, without the regions where the network's output does not vary."""
        fits = np.concatenate([np.zeros(0, dtype=np.float32), *self._explained])
        return fits[np.isfinite(fits)]


class Progress:
    """Logs how many regions are done: at the end, and before it every few seconds.

    Parameters
    ----------
    label : str
        What is running.
    total : int
        Regions in all.
    """

    def __init__(self, label: str, total: int):
        self.label, self.total = label, total
        self.finished = 0
        self.next_line = time.perf_counter() + _SECONDS_BETWEEN_LINES

    def show(self, done_in_block: int) -> None:
        """Log the regions done, if it is time."""
        now = time.perf_counter()
        if now >= self.next_line:
            log.info("%s  %d/%d regions", self.label, self.finished + done_in_block, self.total)
            self.next_line = now + _SECONDS_BETWEEN_LINES

    def advance(self, n_regions: int) -> None:
        """Count a finished block; the last one is always logged."""
        self.finished += n_regions
        if self.finished == self.total:
            log.info("%s  %d/%d regions", self.label, self.finished, self.total)
