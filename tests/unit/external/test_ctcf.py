"""A real network and real sequences: bpnet-lite's CTCF model must show CTCF's motif in its maps."""

import gzip

import numpy as np
import pytest
import torch

from lucidna.attribution.correction import correct
from lucidna.attribution.output import ScalarOutput
from lucidna.attribution.saliency import saliency
from lucidna.external.bpnetlite import read_bpnetlite
from lucidna.external.networks import ExternalNetwork
from lucidna.ranking.panel import rank_candidates
from lucidna.sequence import encode, one_hot_numpy, reverse_complement

from .conftest import entry

CORE = "CCACCAGGGGGCGC"
MOTIF = "CCASYAGRKGGCRS"  # the same with the bases that CTCF takes at each position
BASES = {**{base: base for base in "ACGT"}, "S": "CG", "Y": "CT", "R": "AG", "K": "GT"}
WINDOW = 2114
N = 40
WORD = 8


@pytest.fixture(scope="module")
def codes(shared_data) -> np.ndarray:
    """Real CTCF peaks of 100 bp, in the middle of windows of random sequence of the same composition."""
    sequences = []
    with gzip.open(shared_data / "seqsets" / "ctcf.fa.gz", "rt") as handle:
        for line in handle:
            if not line.startswith(">"):
                sequences.append(encode(line.strip()))
            if len(sequences) == N:
                break
    real = np.stack(sequences)
    known = real[real < 4]
    out = np.random.default_rng(0).choice(known, size=(N, WINDOW)).astype(np.uint8)
    out[:, WINDOW // 2 - 50 : WINDOW // 2 + 50] = real
    return out


@pytest.fixture(scope="module")
def model(shared_data) -> ExternalNetwork:
    network = read_bpnetlite(shared_data / "models" / "bpnetlite_example.torch")
    facts = {
        "target": "profile",
        "input_length": WINDOW,
        "output_length": 1000,
        "n_tasks": 1,
        "channels": [[0, 1]],
    }
    return ExternalNetwork(network, entry("bpnetlite", weights="x"), facts, name="ctcf").eval()


@pytest.fixture(scope="module")
def maps(model, codes) -> dict[str, np.ndarray]:
    onehot = one_hot_numpy(codes)
    return {
        head: correct(saliency(ScalarOutput(model, head=head), onehot, batch_size=16, device="cpu"))
        for head in ("counts", "profile")
    }


def test_the_weights_are_those_that_a_safe_loader_reads(shared_data, model):
    path = shared_data / "models" / "bpnetlite_example_state_dict.pt"
    expected = torch.load(path, weights_only=True)
    found = model.network.state_dict()
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert model.network.trimming == (WINDOW - 1000) // 2


def test_both_checkpoints_of_the_run_are_read(shared_data, model, codes):
    final = read_bpnetlite(shared_data / "models" / "bpnetlite_example.final.torch")
    onehot = torch.from_numpy(one_hot_numpy(codes[:4]))
    with torch.no_grad():
        profile, counts = final(onehot)
        others = model(onehot)
    assert profile.shape == others[0].shape == (4, 2, 1000)
    assert not torch.equal(counts, others[1])
    # Real peaks have more reads than random sequence of the same bases.
    shuffled = np.random.default_rng(1).permuted(codes[:4], axis=1)
    with torch.no_grad():
        assert (others[1] > model(torch.from_numpy(one_hot_numpy(shuffled)))[1]).float().mean() >= 0.75


def words_by_contribution(contributions: np.ndarray, codes: np.ndarray) -> dict[str, float]:
    """Sum the contributions at each word of WORD bp, a word and its reverse complement together."""
    totals = np.lib.stride_tricks.sliding_window_view(contributions, WORD, axis=1).sum(axis=-1)
    windows = np.lib.stride_tricks.sliding_window_view(codes, WORD, axis=1)
    powers = 4 ** np.arange(WORD)
    keys = np.minimum((windows.astype(int) * powers).sum(axis=-1), (reverse_complement(windows) * powers).sum(axis=-1))
    unique, place = np.unique(keys, return_inverse=True)
    sums = np.bincount(place.ravel(), weights=totals.ravel())
    return {
        "".join("ACGT"[key // power % 4] for power in powers): value for key, value in zip(unique, sums, strict=True)
    }


def consensus_around(seed: np.ndarray, maps: np.ndarray, codes: np.ndarray, flank: int) -> str:
    """Average the maps around the occurrences of a word on both strands, and read the best base of each position."""
    total = np.zeros((4, len(seed) + 2 * flank))
    for values, sequence in ((maps, codes), (maps[:, ::-1, ::-1], reverse_complement(codes))):
        windows = np.lib.stride_tricks.sliding_window_view(sequence, len(seed), axis=1)
        for row, start in zip(*np.nonzero((windows != seed).sum(axis=-1) <= 1), strict=True):
            left, right = start - flank, start + len(seed) + flank
            if left >= 0 and right <= codes.shape[1]:
                total += values[row, :, left:right] * one_hot_numpy(sequence[row : row + 1, left:right])[0]
    return "".join("ACGT"[base] for base in total.argmax(axis=0))


def matches(found: str, core: str) -> int:
    """Return the most bases in which some stretch of `found`, on either strand, agrees with `core` (IUPAC)."""
    turned = found[::-1].translate(str.maketrans("ACGT", "TGCA"))
    return max(
        sum(a in BASES[b] for a, b in zip(text[start : start + len(core)], core, strict=True))
        for text in (found, turned)
        for start in range(len(text) - len(core) + 1)
    )


@pytest.mark.parametrize("head", ["counts", "profile"])
def test_the_highest_attributed_word_is_in_the_core_of_ctcf(maps, codes, head):
    contributions = (maps[head] * one_hot_numpy(codes)).sum(axis=1)
    inside = np.abs(contributions[:, WINDOW // 2 - 50 : WINDOW // 2 + 50]).mean()
    assert inside > 5 * np.abs(contributions).mean()
    words = words_by_contribution(contributions, codes)
    best = max(words, key=words.get)
    consensus = consensus_around(encode(best), maps[head], codes, flank=12)
    assert matches(consensus, MOTIF) >= len(MOTIF) - 1, consensus
    if head == "counts":
        assert best in CORE or best[::-1].translate(str.maketrans("ACGT", "TGCA")) in CORE
        assert matches(consensus, CORE) >= len(CORE) - 1, consensus
    # The same search in the maps of other sequences finds no such thing.
    rolled = np.roll(maps[head], 1, axis=0)
    words = words_by_contribution((rolled * one_hot_numpy(codes)).sum(axis=1), codes)
    other = consensus_around(encode(max(words, key=words.get)), rolled, codes, flank=12)
    assert matches(other, MOTIF) < len(MOTIF) - 2


def test_its_maps_are_ranked_above_noise(maps, codes):
    inner = slice(WINDOW // 2 - 100, WINDOW // 2 + 100)
    noise = np.random.default_rng(0).standard_normal((2, N, 4, 200)).astype(np.float32)
    candidates = {head: values[..., inner] for head, values in maps.items()}
    candidates |= {"noise_0": noise[0], "noise_1": noise[1]}
    ranking = rank_candidates(candidates, codes[:, inner], bootstraps=100)
    assert set(ranking.ranking["id"][:2]) == {"counts", "profile"}
