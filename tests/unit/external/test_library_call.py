"""`rank_candidates` as a notebook calls it: one line, maps in files, labels as they are at hand."""

import numpy as np
import pandas as pd
import pytest

from lucidna.errors import UserError
from lucidna.ranking.panel import rank_candidates

from ..ranking.conftest import make_toy

FAST = {"bootstraps": 100}


@pytest.fixture(scope="module")
def many():
    """Twenty-four networks in families of three noise levels."""
    toy = make_toy(n_regions=50)
    noise = np.tile([0.2, 0.5, 1.0], 8)
    return toy, toy.maps(noise, seed=11), noise


def test_many_memory_mapped_networks_in_one_line(many, tmp_path):
    toy, maps, noise = many
    for number, values in enumerate(maps):
        np.save(tmp_path / f"net_{number:02d}.npy", values)
    mapped = {path.stem: np.load(path, mmap_mode="r") for path in sorted(tmp_path.glob("*.npy"))}
    families = [f"noise {level}" for level in noise]
    scores = 0.9 - 0.001 * np.arange(24)
    found = rank_candidates(mapped, toy.onehot, scores=scores, families=families, seed=0, **FAST)
    again = rank_candidates(
        maps, toy.onehot.argmax(axis=1), ids=list(mapped), scores=scores, families=families, seed=0, **FAST
    )
    pd.testing.assert_frame_equal(found.ranking, again.ranking)
    assert set(found.ranking["family"][:8]) == {"noise 0.2"}
    assert found.families["family"].tolist() == ["noise 0.2", "noise 0.5", "noise 1.0"]
    assert found.families["n"].tolist() == [8] * 3
    assert all(isinstance(values, np.memmap) for values in mapped.values())
    # The lowest 5 % of a large population is vetoed without any control.
    assert {row["id"] for row in found.verdict["vetoed"]} <= {f"net_{number:02d}" for number in range(2, 24, 3)}
    assert found.verdict["vetoed"]


def test_scores_that_are_not_finite(many):
    toy, maps, _ = many
    scores = [0.9, 0.8, np.inf, 0.7]
    with pytest.raises(UserError, match="score of network 'model_2' is infinite"):
        rank_candidates(maps[:4], toy.onehot, scores=scores, **FAST)
    # One that is not known gates nothing, and that is said.
    scores[2] = np.nan
    found = rank_candidates(maps[:4], toy.onehot, scores=scores, margin=0.5, **FAST)
    assert found.verdict["gated"] == []
    assert "The score of 1 candidate is unknown: it was not gated." in found.verdict["notices"]


def test_under_fifty_regions_is_a_notice_and_under_twenty_an_error(many):
    toy, maps, _ = many
    found = rank_candidates(maps[:4, :49], toy.onehot[:49], **FAST)
    assert any(notice.startswith("Only 49 regions") for notice in found.verdict["notices"])
    with pytest.raises(UserError, match="19 regions are too few"):
        rank_candidates(maps[:4, :19], toy.onehot[:19], **FAST)
