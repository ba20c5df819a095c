"""The values of several tracks in windows of one chromosome: read together, checked and scaled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lucidna.bigwig import open_bigwig, read_windows, refuse_value
from lucidna.compiled import compiled
from lucidna.errors import UserError
from lucidna.tracks import Track, name_in_track, signals_of


class Source:
    """Several bigWigs (C channels) that are read together, their values checked and scaled."""

    def __init__(
        self,
        paths: Sequence[str],
        is_minus: Sequence[bool],
        scales: Sequence[float],
        sizes: Mapping[str, int] | None,
        aliases: Mapping[str, str] | None,
        threads: int,
    ):
        self.n_channels = len(paths)
        self._readers = [open_bigwig(path) for path in paths]
        self._is_minus = is_minus
        self._scales = np.asarray(scales, dtype=np.float32)
        self._sizes = sizes
        self._aliases = aliases
        self._threads = threads
        self._signs = np.zeros((len(paths), 2), dtype=bool)  # negative, positive values met so far
        self._names: dict[str, list[str]] = {}
        self._buffer = np.empty(0, dtype=np.float32)

    def read(self, chrom: str, starts: np.ndarray, width: int, core: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return values float32 (n, C, width), valid until the next call, and sums (n, C) over core."""
        shape = (len(starts), self.n_channels, width)
        n = int(np.prod(shape))
        if n > len(self._buffer):
            self._buffer = np.empty(n, dtype=np.float32)
        values = self._buffer[:n].reshape(shape)
        if not n:
            return values, np.zeros(shape[:2])
        read_windows(self._readers, self._names_of(chrom), starts, out=values, threads=self._threads)
        begin, end, _ = core.indices(width)
        sums, low, high, finite = _sum_and_range(values, begin, end)
        for channel in np.flatnonzero(~finite):
            row, column = np.argwhere(~np.isfinite(values[:, channel]))[0]
            value = float(values[row, channel, column])
            refuse_value(self._readers[channel].path, chrom, int(starts[row] + column), value)
        self._check_signs(low, high)
        factors = np.where(low < 0, -self._scales, self._scales)
        for channel in np.flatnonzero(factors != 1):
            values[:, channel] *= factors[channel]
        return values, sums * factors

    def size_of(self, chrom: str) -> int:
        """Return the length of a chromosome, the least that a file gives it."""
        names = zip(self._readers, self._names_of(chrom), strict=True)
        return min((reader.chrom_sizes[name] for reader, name in names), default=0)

    def _names_of(self, chrom: str) -> list[str]:
        if chrom not in self._names:
            size = None if self._sizes is None else self._sizes[chrom]
            self._names[chrom] = [name_in_track(reader, chrom, size, aliases=self._aliases) for reader in self._readers]
        return self._names[chrom]

    def _check_signs(self, low: np.ndarray, high: np.ndarray) -> None:
        self._signs |= np.stack([low < 0, high > 0], axis=1)
        for channel in np.flatnonzero(self._signs[:, 0]):
            where = f"track {self._readers[channel].path}"
            if self._signs[channel, 1]:
                raise UserError(f"{where} has values of both signs: give a signal from 0 on, such as counts")
            if not self._is_minus[channel]:
                raise UserError(f"{where} has negative values: list it as minus_bigwig, or write it with values from 0")


def signal_source(
    tracks: Sequence[Track],
    sizes: Mapping[str, int] | None,
    aliases: Mapping[str, str] | None,
    threads: int,
) -> tuple[Source, list[list[int]]]:
    """Return the bigWigs of the tracks' signals, scaled, and which channels are each track's.

    Parameters
    ----------
    tracks : sequence of Track
    sizes : mapping, optional
        Length by chromosome, which the files must agree with.
    aliases : mapping, optional
        Name in the tracks -> name in `sizes`.
    threads : int
        Threads that decode bigWigs.
    """
    paths, channels, is_minus = signals_of(tracks)
    scales = [track.scale for track, own in zip(tracks, channels, strict=True) for _ in own]
    return Source(paths, is_minus, scales, sizes, aliases, threads), channels


@compiled
def _sum_and_range(values, begin, end):
    """Return sums (n, C) over [begin, end), and per channel: least and greatest value, are all finite."""
    n, n_channels, width = values.shape
    sums = np.empty((n, n_channels))
    low = np.full(n_channels, np.inf, dtype=np.float32)
    high = np.full(n_channels, -np.inf, dtype=np.float32)
    finite = np.ones(n_channels, dtype=np.bool_)
    for channel in range(n_channels):
        for i in range(n):
            total = 0.0
            for part, start, stop in ((0, 0, begin), (1, begin, end), (2, end, width)):
                least = low[channel]
                greatest = high[channel]
                part_sum = 0.0
                for k in range(start, stop):
                    value = values[i, channel, k]
                    least = value if value < least else least
                    greatest = value if value > greatest else greatest
                    part_sum += value
                if part == 1:
                    sums[i, channel] = part_sum
                low[channel] = least
                high[channel] = greatest
                total += part_sum
            # One NaN or infinity makes the sum so.
            if not np.isfinite(total):
                finite[channel] = False
    return sums, low, high, finite
