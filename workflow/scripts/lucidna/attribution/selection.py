"""Which regions are explained, and by which members of an ensemble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lucidna.errors import UserError

REGIONS = {
    "all": ("train", "valid", "test"),
    "heldout": ("valid", "test"),
    "valid": ("valid",),
    "test": ("test",),
}
"""The splits of a member's fold that each choice of regions covers."""


def select_regions(
    is_peak: np.ndarray,
    members: Sequence[str],
    *,
    regions: str,
    splits: Mapping[str, np.ndarray] | None = None,
    max_regions: int | None = None,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the peaks to explain, and which members explain each.

    Parameters
    ----------
    is_peak : array
        bool, one per row of the dataset.
    members : sequence of str
        Candidate ids.
    regions : {"all", "heldout", "valid", "test"}
        Which peaks each member explains: all; those it was not trained on; those of one split of its fold.
    splits : mapping, optional
        Candidate id -> split (train, valid, test) of every row; needed unless `regions` is "all".
    max_regions : int, optional
        Draw that many at random. The draws of different sizes with one seed contain each other, so methods
        that run on fewer regions share them with the rest.
    seed : int
        Of the draw.

    Returns
    -------
    rows : array
        int64 (N,), increasing rows of the dataset that at least one member explains.
    covered : array
        bool (members, N).

    Raises
    ------
    UserError
        When there is none.
    """
    if regions == "all":
        covered = np.tile(is_peak, (len(members), 1))
    elif splits is None:
        raise ValueError(f"regions={regions!r} needs the splits of the members")
    else:
        covered = np.stack([is_peak & np.isin(splits[name], REGIONS[regions]) for name in members])
    rows = np.flatnonzero(covered.any(axis=0))
    if not len(rows):
        raise UserError(
            f"there is no peak to explain with attribution.regions: {regions}; use all, or folds that leave "
            "peaks out of training"
        )
    if max_regions is not None and max_regions < len(rows):
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:max_regions])
    return rows, covered[:, rows]
