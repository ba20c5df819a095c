"""Independent random streams of one candidate, each fixed by what it is for and when."""

from __future__ import annotations

import numpy as np

_PURPOSES = {"weights": 0, "order": 1, "augment": 2, "dropout": 3, "labels": 4}


def derive_seed(seed: int, purpose: str, *when: int) -> int:
    """Return a 63-bit seed for one purpose of a candidate.

    Parameters
    ----------
    seed : int
        The candidate's seed, any integer from 0.
    purpose : str
        "weights", "order", "augment", "dropout" or "labels".
    *when : int
        Stage, epoch and rank, as far as they matter. With a stream of its own for each epoch, training that
        goes on after an interruption draws what it would have drawn without.
    """
    words = np.random.SeedSequence([seed, _PURPOSES[purpose], *when]).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(1))
