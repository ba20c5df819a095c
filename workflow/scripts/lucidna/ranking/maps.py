"""The maps that are compared: which validation regions, and the corrected saliency of a network on them."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import numpy as np
from torch import nn

from lucidna.attribution.correction import correct
from lucidna.attribution.output import ScalarOutput
from lucidna.attribution.saliency import saliency
from lucidna.errors import UserError
from lucidna.folds import FEWEST_VALID
from lucidna.sequence import one_hot_numpy

ADVISED = 50

logger = logging.getLogger(__name__)


def choose_regions(dataset, *, n: int = 500, seed: int = 0) -> np.ndarray:
    """Draw the validation peaks on which the maps of all candidates of a fold are compared.

    Parameters
    ----------
    dataset
        `lucidna.dataset.Dataset` opened with a fold.
    n
        How many; all of them when the fold has fewer.
    seed
        Of the draw.

    Returns
    -------
    int64 rows of the dataset, sorted.

    Raises
    ------
    UserError
        When the fold has fewer than 20 validation peaks.
    """
    peaks = np.asarray(dataset.rows_of("valid", "peak"))
    if len(peaks) < FEWEST_VALID:
        raise UserError(
            f"the fold has {len(peaks)} validation peaks: the ranking needs at least {FEWEST_VALID}, "
            "give `folds` larger validation chromosomes"
        )
    if min(n, len(peaks)) < ADVISED:
        logger.warning(
            "the maps are compared on %d validation peaks: intervals will be wide, 200 or more are advised",
            min(n, len(peaks)),
        )
    drawn = peaks if n >= len(peaks) else np.random.default_rng(seed).choice(peaks, size=n, replace=False)
    return np.sort(drawn).astype(np.int64)


def explained_parts(head: str | Sequence[str], tasks: Sequence[int]) -> list[tuple[str, int]]:
    """List the numbers that are explained together: every head of every task."""
    heads = [head] if isinstance(head, str) else list(head)
    return [(one, int(task)) for one in heads for task in tasks]


def validation_maps(
    model: nn.Module,
    codes: np.ndarray,
    *,
    head: str | Sequence[str],
    tasks: Sequence[int] = (0,),
    batch_size: int = 64,
    device: str = "cpu",
) -> np.ndarray:
    """Return the corrected saliency of a network on sequences.

    Parameters
    ----------
    model
        Network whose forward takes (N, 4, L).
    codes
        uint8 (n, L), A C G T N = 0 1 2 3 4.
    head
        "logit", "counts" or "profile", see `attribution.output.ScalarOutput`; or several of them.
    tasks
        Outputs to explain. With several tasks or heads, the maps of each are scaled to the same mean norm and
        averaged, so that a strong track does not drown the others.
    batch_size, device
        Sequences per pass, and where to run.

    Returns
    -------
    float32 (n, 4, L), sums to zero over bases.
    """
    parts = explained_parts(head, tasks)
    onehot = one_hot_numpy(codes, dtype=np.uint8)
    total = np.zeros(onehot.shape, dtype=np.float32)
    told = time.monotonic()

    for done, (one, task) in enumerate(parts):

        def tell(sequences: int, done: int = done) -> None:
            nonlocal told
            if time.monotonic() - told > 5:
                told = time.monotonic()
                logger.info("explained %d of %d", done * len(codes) + sequences, len(parts) * len(codes))

        scalar = ScalarOutput(model, head=one, task=task)
        maps = correct(saliency(scalar, onehot, batch_size=batch_size, device=device, progress=tell))
        if len(parts) > 1:
            scale = np.sqrt(np.einsum("nal,nal->n", maps, maps)).mean()
            maps = maps / (len(parts) * scale) if scale > 0 else maps
        total += maps
    return total
