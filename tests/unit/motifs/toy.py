"""Networks with known answers: functions of whole words in sequences."""

import numpy as np
import pandas as pd

from lucidna.sequence import encode

A, B = encode("TTACCCGGA"), encode("CACGTGACA")


def holds(codes, word):
    """Say of each sequence (..., L) whether it holds the word on the forward strand."""
    windows = np.lib.stride_tricks.sliding_window_view(codes, len(word), axis=-1)
    return (windows == word).all(axis=-1).any(axis=-1)


def toy(combine):
    """A pair of networks: `combine` of the presence of A and B, and twice as much."""

    def predict(variants, sequences):
        assert variants.shape[0] == sequences.shape[0]
        assert variants.shape[2] == sequences.shape[1]
        value = combine(holds(variants, A).astype(float), holds(variants, B).astype(float))
        return np.stack([value, 2 * value])

    return predict


additive = toy(lambda a, b: 3 * a + b + 0.5)
both = toy(lambda a, b: a * b)
either = toy(lambda a, b: np.maximum(a, b))


def sequences_with_both(n=30, length=120, *, seed=0, distance=20):
    """Random sequences with A at 30 and B `distance` bp after its begin, and their places."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, length)).astype(np.uint8)
    codes[:, 30 : 30 + len(A)] = A
    codes[:, 30 + distance : 30 + distance + len(B)] = B
    pairs = pd.DataFrame({"row": np.arange(n), "start_a": 30, "end_a": 30 + len(A)})
    return codes, pairs.assign(start_b=30 + distance, end_b=30 + distance + len(B))
