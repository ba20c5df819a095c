"""The synthetic sets: standard, harder, and one whose assay has a sequence preference of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchcommon.standard import draw_set, generated_motifs
from lucidna.simulate.assay import plant_preference, redraw_background
from lucidna.simulate.ppm import consensus_ppm


@dataclass(frozen=True)
class Drawn:
    """One synthetic set.

    Attributes
    ----------
    codes, labels, truth
        uint8 (n, L), uint8 (n,), float32 (n, 4, L); the truth knows nothing of the assay's preference.
    train, valid
        Rows.
    shown
        The validation positives whose maps are compared.
    core
        The motifs of the positives.
    planted
        bool (n, L), where instances of the preference lie.
    track
        uint8 (n,), a noisy measurement of which sequences the assay prefers; zeros without a preference.
    control_codes, control_track
        Sequences in which the preference has nothing to do with the label, and the same measurement of them:
        what a control experiment on naked DNA gives. Empty without a preference.
    """

    codes: np.ndarray
    labels: np.ndarray
    truth: np.ndarray
    train: np.ndarray
    valid: np.ndarray
    shown: np.ndarray
    core: dict[str, np.ndarray]
    planted: np.ndarray
    track: np.ndarray
    control_codes: np.ndarray
    control_track: np.ndarray


def draw(spec: Mapping, *, seed: int) -> Drawn:
    """Draw the set that a section `data` of the config describes; another seed draws other motifs too.

    Parameters
    ----------
    spec
        n, length, train, shown; core, pool (numbers of motifs), width, bits; optional gc (range of the
        background) and assay (consensus, bits, copies, share of carriers by label, gc by carrier, track_error).
    seed
        Of everything that is drawn.
    """
    core, pool = generated_motifs(spec, seed=seed)
    codes, labels, truth, splits = draw_set(spec, core, pool, seed=seed)
    rng = np.random.default_rng(10 * seed + 4)
    planted, track = np.zeros(codes.shape, dtype=bool), np.zeros(len(codes), dtype=np.uint8)
    control_codes, control_track = codes[:0], track[:0]
    if "assay" in spec:
        assay = spec["assay"]
        carrier = rng.random(len(codes)) < np.asarray(assay["share"])[labels]
        free = rng.random(len(codes)) < 0.5
        control_codes, _ = _with_preference(codes, truth, free, assay, seed=10 * seed + 6)
        codes, planted = _with_preference(codes, truth, carrier, assay, seed=10 * seed + 8)
        track = _measured(carrier, assay["track_error"], rng=rng)
        control_track = _measured(free, assay["track_error"], rng=rng)
    valid = splits["valid"]
    return Drawn(
        codes=codes,
        labels=labels,
        truth=truth,
        train=splits["train"][: spec["train"]],
        valid=valid,
        shown=valid[labels[valid] == 1][: spec["shown"]],
        core=core,
        planted=planted,
        track=track,
        control_codes=control_codes,
        control_track=control_track,
    )


def _with_preference(
    codes: np.ndarray, truth: np.ndarray, carrier: np.ndarray, assay: Mapping, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Give the carriers the composition and the motif that the assay prefers; return codes and where it lies."""
    rng = np.random.default_rng(seed)
    gc = np.clip(np.asarray(assay["gc"])[carrier.astype(int)] + rng.normal(0, 0.05, size=len(codes)), 0.25, 0.70)
    ppm = consensus_ppm(assay["consensus"], bits=assay["bits"])
    return plant_preference(
        redraw_background(codes, truth, gc=gc, seed=seed), truth, carrier, ppm, copies=assay["copies"], seed=seed + 1
    )


def _measured(carrier: np.ndarray, error: float, *, rng: np.random.Generator) -> np.ndarray:
    return (carrier ^ (rng.random(len(carrier)) < error)).astype(np.uint8)
