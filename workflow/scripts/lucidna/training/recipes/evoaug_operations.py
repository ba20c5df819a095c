"""EvoAug's operations on sequences, vectorised over the batch; each keeps the length.

Lee et al., Genome Biol 24:105, 2023, in the length-preserving form of EvoAug2: what a deletion leaves open
is padded with random DNA on both sides, and what an insertion pushes out is cut on both sides, half left and
half right. Each operation is a pair: `draw` takes the random numbers, `apply` is a deterministic function of
the codes and the draws. Those that move bases along the sequence (`MOVING`) also say where each position's
base comes from, `source`, and how far a base can get, `reach`, so that a signal can follow its bases.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lucidna.sequence import reverse_complement

Draws = dict[str, Tensor]


@dataclass(frozen=True)
class Deletion:
    """Cut `length` bases at `start` and pad with random DNA: floor(length / 2) bases left, the rest right."""

    min: int
    max: int

    def draw(self, n: int, length: int, *, generator: torch.Generator) -> Draws:
        """Draw lengths U{min..max}, starts U{0..L - max} and (n, max) random bases."""
        return {
            "length": _integers(n, self.min, self.max, generator),
            "start": _integers(n, 0, length - self.max, generator),
            "bases": _bases(n, self.max, generator),
        }

    @property
    def reach(self) -> int:
        """Largest distance in bp that a base is moved."""
        return self.max - self.max // 2

    def source(self, n_bases: int, *, length: Tensor, start: Tensor, bases: Tensor) -> Tensor:
        """Return where each base comes from: left padding from the first of `bases`, right from the last."""
        here = torch.arange(n_bases, device=length.device)
        length, start = length[:, None], start[:, None]
        left = length // 2
        source = here - left
        source = source + length * (source >= start)
        source = torch.where(here < left, here + n_bases, source)
        return torch.where(here >= n_bases - length + left, here + bases.shape[1], source)

    def apply(self, codes: Tensor, **draws: Tensor) -> Tensor:
        """Return codes (n, L)."""
        return take(codes, self.source(codes.shape[1], **draws), draws["bases"])


@dataclass(frozen=True)
class Insertion:
    """Insert `length` random bases before `start` and cut as many: floor(length / 2) left, the rest right."""

    min: int
    max: int

    def draw(self, n: int, length: int, *, generator: torch.Generator) -> Draws:
        """Draw lengths U{min..max}, starts U{0..L - 1} and (n, max) random bases."""
        return {
            "length": _integers(n, self.min, self.max, generator),
            "start": _integers(n, 0, length - 1, generator),
            "bases": _bases(n, self.max, generator),
        }

    @property
    def reach(self) -> int:
        """Largest distance in bp that a base is moved."""
        return self.max - self.max // 2

    def source(self, n_bases: int, *, length: Tensor, start: Tensor, bases: Tensor) -> Tensor:
        """Return where each base comes from; the inserted ones are the first `length` of `bases`."""
        length, start = length[:, None], start[:, None]
        source = torch.arange(n_bases, device=length.device) + length // 2
        offset = source - start
        after = offset >= length
        kept = source - length * after
        return torch.where((offset >= 0) & ~after, offset + n_bases, kept)

    def apply(self, codes: Tensor, **draws: Tensor) -> Tensor:
        """Return codes (n, L)."""
        return take(codes, self.source(codes.shape[1], **draws), draws["bases"])


@dataclass(frozen=True)
class Translocation:
    """Roll the sequence around its ends, to the right, or to the left with probability 1/2."""

    min: int
    max: int

    def draw(self, n: int, length: int, *, generator: torch.Generator) -> Draws:
        """Draw distances U{min..max} and coins U[0, 1)."""
        return {"distance": _integers(n, self.min, self.max, generator), "coin": _uniform((n,), generator)}

    @property
    def reach(self) -> int:
        """Largest distance in bp that a base is moved, those that pass the ends left aside."""
        return self.max

    def source(self, n_bases: int, *, distance: Tensor, coin: Tensor) -> Tensor:
        """Return where each base comes from: `distance` to the left, to the right where `coin` < 1/2."""
        shift = torch.where(coin < 0.5, -distance, distance)[:, None]
        return (torch.arange(n_bases, device=distance.device) - shift) % n_bases

    def apply(self, codes: Tensor, **draws: Tensor) -> Tensor:
        """Return codes (n, L)."""
        return codes.gather(1, self.source(codes.shape[1], **draws))


@dataclass(frozen=True)
class Inversion:
    """Replace `length` bases at `start` by their reverse complement."""

    min: int
    max: int

    def draw(self, n: int, length: int, *, generator: torch.Generator) -> Draws:
        """Draw lengths U{min..max} and starts U{0..L - max}."""
        return {
            "length": _integers(n, self.min, self.max, generator),
            "start": _integers(n, 0, length - self.max, generator),
        }

    def apply(self, codes: Tensor, *, length: Tensor, start: Tensor) -> Tensor:
        """Return codes (n, L)."""
        n_bases = codes.shape[1]
        here = torch.arange(n_bases, device=codes.device)
        length, start = length[:, None], start[:, None]
        inside = (here >= start) & (here < start + length)
        # Base p of the stretch comes from base start + stop - 1 - p; read off the reversed complement, that
        # is its column n_bases - 1 - (start + stop - 1 - p).
        column = n_bases - 2 * start - length + here
        turned = reverse_complement(codes).gather(1, column.clamp(0, n_bases - 1))
        return torch.where(inside, turned, codes)


@dataclass(frozen=True)
class Mutation:
    """Give round(fraction / 0.75 * L) distinct positions a uniform random base, which may be the same one."""

    fraction: float

    def draw(self, n: int, length: int, *, generator: torch.Generator) -> Draws:
        """Draw one U[0, 1) per position, the smallest of which mark the mutated ones, and their bases."""
        count = min(length, round(self.fraction / 0.75 * length))
        return {"order": _uniform((n, length), generator), "bases": _bases(n, count, generator)}

    def apply(self, codes: Tensor, *, order: Tensor, bases: Tensor) -> Tensor:
        """Return codes (n, L); column j of `bases` goes to the position of the j-th smallest `order`."""
        places = order.topk(bases.shape[1], dim=1, largest=False, sorted=True).indices
        return codes.scatter(1, places, bases)


MOVING = (Deletion, Insertion, Translocation)


def take(values: Tensor, source: Tensor, others: Tensor) -> Tensor:
    """Return `values` at `source`.

    Parameters
    ----------
    values : Tensor
        (n, L).
    source : Tensor
        int64 (n, L'): below L, a column of `values`; from L on, column source - L of `others`.
    others : Tensor
        (n, W).

    Returns
    -------
    Tensor
        (n, L').
    """
    return torch.cat([values, others], dim=1).gather(1, source)


def _integers(n: int, low: int, high: int, generator: torch.Generator) -> Tensor:
    """Draw (n,) whole numbers from low to high, both included."""
    return torch.randint(low, high + 1, (n,), generator=generator, device=generator.device)


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device)


def _bases(n: int, width: int, generator: torch.Generator) -> Tensor:
    """Draw uint8 (n, width) uniform random bases."""
    shape = (n, width)
    return torch.randint(0, 4, shape, generator=generator, device=generator.device, dtype=torch.uint8)
