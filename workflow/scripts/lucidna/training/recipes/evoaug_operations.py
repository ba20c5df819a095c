"""EvoAug's operations on sequences, vectorised over the batch; each keeps the length.

Lee et al., Genome Biol 24:105, 2023, in the length-preserving form of EvoAug2: what a deletion leaves open
is padded with random DNA on both sides, and what an insertion pushes out is cut on both sides, half left and
half right. Each operation is a pair: `draw` takes the random numbers, `apply` is a deterministic function of
the codes and the draws. Those that move bases along the sequence (`MOVING`) do it through `move`, which takes
values of any kind, and say how far a base can get, `reach`: a signal can follow its bases.

On the CPU it is the passes over all bases that cost, so there are few: rows are copied as shifted windows,
and only the bases next to an edit are looked up one by one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from lucidna.sequence import reverse_complement

Draws = dict[str, Tensor]


class _Moving:
    """An operation that moves bases along the sequence."""

    def move(self, values: Tensor, others: Tensor, **draws: Tensor) -> Tensor:
        """Move `values` (n, L) as the bases are moved, with `others` (n, W) for the new bases."""
        raise NotImplementedError

    def apply(self, codes: Tensor, *, bases: Tensor | None = None, **draws: Tensor) -> Tensor:
        """Return codes (n, L); the new ones out of `bases`."""
        return self.move(codes, codes[:, :0] if bases is None else bases, **draws)

    def source(self, n_bases: int, *, bases: Tensor | None = None, **draws: Tensor) -> Tensor:
        """Return where each base stood before, int64 (n, n_bases); n_bases for a new one."""
        drawn = next(iter(draws.values()))
        here = torch.arange(n_bases, device=drawn.device).expand(len(drawn), -1)
        width = 0 if bases is None else bases.shape[1]
        return self.move(here, here.new_full((len(drawn), width), n_bases), **draws)


@dataclass(frozen=True)
class Deletion(_Moving):
    """Cut `length` bases at `start` and pad with random DNA: floor(length / 2) bases left, the rest right."""

    min: int
    max: int

    @property
    def reach(self) -> int:
        """Largest distance in bp that a base is moved."""
        return self.max - self.max // 2

    def draw(self, n: int, length: int, *, generator: torch.Generator) -> Draws:
        """Draw lengths U{min..max}, starts U{0..L - max} and (n, max) random bases."""
        return {
            "length": _integers(n, self.min, self.max, generator),
            "start": _integers(n, 0, length - self.max, generator),
            "bases": _bases(n, self.max, generator),
        }

    def move(self, values: Tensor, others: Tensor, *, length: Tensor, start: Tensor) -> Tensor:
        """Move values (n, L); the padding is the last of `others` (n, max) on the left, the first on the right."""
        n_bases, left = values.shape[1], length // 2
        padded = torch.cat([others, values, others], dim=1)
        first = others.shape[1] - left
        before, after = (_windows(padded, at, n_bases) for at in (first, first + length))
        return _join(before, after, start + left)


@dataclass(frozen=True)
class Insertion(_Moving):
    """Insert `length` random bases before `start` and cut as many: floor(length / 2) left, the rest right."""

    min: int
    max: int

    @property
    def reach(self) -> int:
        """Largest distance in bp that a base is moved."""
        return self.max - self.max // 2

    def draw(self, n: int, length: int, *, generator: torch.Generator) -> Draws:
        """Draw lengths U{min..max}, starts U{0..L - 1} and (n, max) random bases."""
        return {
            "length": _integers(n, self.min, self.max, generator),
            "start": _integers(n, 0, length - 1, generator),
            "bases": _bases(n, self.max, generator),
        }

    def move(self, values: Tensor, others: Tensor, *, length: Tensor, start: Tensor) -> Tensor:
        """Move values (n, L); the inserted ones are the first `length` of `others` (n, max)."""
        n_bases, width = values.shape[1], others.shape[1]
        # Inserted values may stick out at either end: they are written to rows with `width` columns more on
        # each side, and what is not inserted to one last column.
        wide = n_bases + 2 * width
        padded = functional.pad(values, (2 * width, 2 * width))
        first = width + length // 2
        before, after = (_windows(padded, at, wide) for at in (first, first - length))
        start = start - length // 2 + width
        moved = _join(before, after, start)
        order = torch.arange(width, device=values.device)
        places = torch.where(order < length[:, None], start[:, None] + order, wide)
        return functional.pad(moved, (0, 1)).scatter_(1, places, others)[:, width : width + n_bases]


@dataclass(frozen=True)
class Translocation(_Moving):
    """Roll the sequence around its ends, to the right, or to the left with probability 1/2."""

    min: int
    max: int

    @property
    def reach(self) -> int:
        """Largest distance in bp that a base is moved, those that pass the ends left aside."""
        return self.max

    def draw(self, n: int, length: int, *, generator: torch.Generator) -> Draws:
        """Draw distances U{min..max} and coins U[0, 1)."""
        return {"distance": _integers(n, self.min, self.max, generator), "coin": _uniform((n,), generator)}

    def move(self, values: Tensor, others: Tensor, *, distance: Tensor, coin: Tensor) -> Tensor:
        """Roll values (n, L) by `distance`, to the left where `coin` < 1/2; `others` are not needed."""
        n_bases = values.shape[1]
        shift = torch.where(coin < 0.5, distance, -distance)
        return _windows(torch.cat([values, values], dim=1), shift % n_bases, n_bases)


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
        order = torch.arange(self.max, device=codes.device)
        length, start = length[:, None], start[:, None]
        inside = order < length
        mirrored = codes.gather(1, start + torch.where(inside, length - 1 - order, order))
        # Flipped back, it is the complement alone.
        complement = reverse_complement(mirrored).flip(-1)
        return codes.scatter(1, start + order, torch.where(inside, complement, mirrored))


@dataclass(frozen=True)
class Mutation:
    """Give round(fraction / 0.75 * L) distinct positions a uniform random base, which may be the same one."""

    fraction: float

    def draw(self, n: int, length: int, *, generator: torch.Generator) -> Draws:
        """Draw `places` (n, M) and their `bases`; a place that comes twice has the same base both times."""
        count = min(length, round(self.fraction / 0.75 * length))
        if count > length // 4:
            order = _uniform((n, length), generator)
            places = order.topk(count, dim=1, largest=False, sorted=False).indices
            return {"places": places, "bases": _bases(n, count, generator)}
        # Places one after another with repeats, until `count` are distinct: each set is equally likely. That
        # so many do not suffice happens to less than one row in 10^9 (union bound), which then has fewer.
        spare = math.ceil(count / math.log(length / count)) + 16 if count else 0
        size = (n, count + spare)
        drawn = torch.randint(0, 4 * length, size, generator=generator, device=generator.device)
        places, bases = drawn >> 2, (drawn & 3).to(torch.uint8)
        order = torch.arange(size[1], dtype=torch.int32, device=places.device).expand(n, -1)
        first = torch.full((n, length), size[1], dtype=torch.int32, device=places.device)
        fresh = first.scatter_reduce_(1, places, order, "amin").gather(1, places) == order
        used = fresh & (fresh.cumsum(dim=1) <= count)
        return {
            "places": torch.where(used, places, places[:, :1]),
            "bases": torch.where(used, bases, bases[:, :1]),
        }

    def apply(self, codes: Tensor, *, places: Tensor, bases: Tensor) -> Tensor:
        """Return codes (n, L)."""
        return codes.scatter(1, places, bases)


MOVING = (Deletion, Insertion, Translocation)


def _windows(values: Tensor, starts: Tensor, width: int) -> Tensor:
    """Return `width` columns of each row of values (n, W) from its own start (n,) on."""
    if len(values) == 0:
        return values[:, :width]
    # Every run of `width` values as a row of an overlapping view: rows are copied whole, not value by value.
    flat = values.reshape(-1)
    runs = flat.as_strided((len(flat) - width + 1, width), (1, 1))
    return runs.index_select(0, torch.arange(len(values), device=starts.device) * values.shape[1] + starts)


def _join(before: Tensor, after: Tensor, limits: Tensor) -> Tensor:
    """Return the columns of `before` below each row's limit (n,), those of `after` from there on."""
    width = before.shape[1]
    # torch.where is slow on bytes: a mask of all bits below the limit, and of none from there on.
    steps = torch.zeros(2 * width, dtype=before.dtype, device=before.device)
    steps[:width] = ~steps[:width]
    mask = steps.as_strided((width + 1, width), (1, 1)).index_select(0, width - limits)
    return (before ^ after).bitwise_and_(mask).bitwise_xor_(after)


def _integers(n: int, low: int, high: int, generator: torch.Generator) -> Tensor:
    """Draw (n,) whole numbers from low to high, both included."""
    return torch.randint(low, high + 1, (n,), generator=generator, device=generator.device)


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device)


def _bases(n: int, width: int, generator: torch.Generator) -> Tensor:
    """Draw uint8 (n, width) uniform random bases."""
    shape = (n, width)
    return torch.randint(0, 4, shape, generator=generator, device=generator.device, dtype=torch.uint8)
