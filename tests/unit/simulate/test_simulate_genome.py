import numpy as np
import pytest

from lucidna.errors import UserError
from lucidna.simulate.genome import SITE_SPACING, build_chromosome, place_sites
from lucidna.simulate.grammar import DIFFICULTIES, build_motifs, find_matches


def test_sites_keep_their_distance_and_cluster():
    sites = place_sites(400_000, 500, rng=np.random.default_rng(0))
    gaps = np.diff(sites)
    assert len(sites) == 500
    assert gaps.min() >= SITE_SPACING
    assert np.median(gaps) < 0.9 * gaps.mean()
    assert sites[0] >= 400
    assert sites[-1] <= 400_000 - 400


def test_what_does_not_fit_is_said():
    with pytest.raises(UserError, match=r"which holds \d+"):
        place_sites(100_000, 300, rng=np.random.default_rng(0))


def test_filled_sites_hold_motifs_and_empty_ones_hold_few():
    difficulty = DIFFICULTIES["hard"]
    motifs = build_motifs(difficulty)
    built = build_chromosome(200_000, 250, motifs=motifs, difficulty=difficulty, rng=np.random.default_rng(1))
    matches = find_matches(built.codes, motifs)
    centres = ((matches["start"] + matches["end"]) // 2)[matches["role"] != "decoy"].to_numpy()
    held = (np.abs(centres[:, None] - built.sites) <= 100).sum(axis=0)
    assert 10 < built.empty.sum() < 45
    assert (held[~built.empty] >= 1).all()
    assert held[~built.empty].mean() > 2.5
    assert held[built.empty].mean() < 1
