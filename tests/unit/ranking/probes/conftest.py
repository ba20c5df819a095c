"""Networks on paper: their maps and predictions are functions that one can write down."""

import zlib

import numpy as np
import pytest

from lucidna.sequence import one_hot_numpy

MOTIF = np.array([2, 0, 3, 3, 0, 1, 0, 2])  # GATTACAG, not its own reverse complement
LENGTH = 160


class Planted:
    """Sequences with one motif each, and a network that reads nothing else.

    `predict` is the best match anywhere; `explain` its gradient, the motif where it matches best.
    """

    def __init__(self, n=24, seed=0, both_strands=False):
        rng = np.random.default_rng(seed)
        self.codes = rng.integers(0, 4, (n, LENGTH)).astype(np.uint8)
        self.starts = rng.integers(10, LENGTH - 20, n)
        for row, start in enumerate(self.starts):
            self.codes[row, start : start + len(MOTIF)] = MOTIF
        self.onehot = one_hot_numpy(self.codes)
        forward = one_hot_numpy(MOTIF) - 0.25
        self.filters = [forward, forward[::-1, ::-1]] if both_strands else [forward]

    def _scores(self, onehot):
        """(N, strands, windows) matches."""
        windows = np.lib.stride_tricks.sliding_window_view(onehot, len(MOTIF), axis=2)
        return np.stack([np.einsum("nawl,al->nw", windows, weights) for weights in self.filters], axis=1)

    def predict(self, onehot, regions=None):
        # Nothing below a good match counts: backgrounds all give zero.
        return np.maximum(self._scores(onehot).max(axis=(1, 2)) - 5.0, 0)

    def explain(self, onehot):
        scores = self._scores(onehot)
        maps = np.zeros(onehot.shape, dtype=np.float32)
        for row, score in enumerate(scores.reshape(len(scores), -1)):
            strand, start = divmod(int(score.argmax()), scores.shape[2])
            maps[row, :, start : start + len(MOTIF)] = self.filters[strand]
        return maps


@pytest.fixture(scope="session")
def planted():
    return Planted()


def constant(onehot):
    """A network of base composition alone: the same vector everywhere."""
    return np.broadcast_to(np.array([-0.5, 0.5, 0.5, -0.5], dtype=np.float32)[:, None], onehot.shape[1:])[None].repeat(
        len(onehot), axis=0
    )


def unrelated(onehot):
    """Maps that have nothing to do with one another, whatever is asked."""
    key = zlib.crc32(np.ascontiguousarray(onehot).tobytes())
    maps = np.random.default_rng(key).standard_normal(onehot.shape).astype(np.float32)
    return maps - maps.mean(axis=1, keepdims=True)
