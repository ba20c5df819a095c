"""Probe one network: every criterion that needs it, on the same sample of its fold's validation regions."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lucidna.attribution.correction import correct
from lucidna.dataset import Dataset
from lucidna.files import read_json, read_tsv
from lucidna.ranking.angles import angle_share
from lucidna.ranking.maps import explained_parts
from lucidna.ranking.prepare import unit_norm
from lucidna.ranking.probes.explained import Explained, explained
from lucidna.ranking.probes.insertion import curves
from lucidna.ranking.probes.mutagenesis import draw_positions, ism_agreement
from lucidna.ranking.probes.mutation import mutation_stability
from lucidna.ranking.probes.noise import noise_stability
from lucidna.ranking.probes.plan import REDRAWS, SHUFFLES, Plan, draw_regions, epoch_passes, plan_probes
from lucidna.ranking.probes.randomisation import randomised_similarity, redrawn, weighted_layers
from lucidna.ranking.probes.retention import retention_stability
from lucidna.ranking.probes.reverse_complement import rc_stability
from lucidna.ranking.probes.shift import shift_stability
from lucidna.ranking.probes.store import Probes, no_probes
from lucidna.sequence import one_hot_numpy

ANGLES = (30, 45, 60)

logger = logging.getLogger(__name__)


def probe_candidate(
    candidate: Mapping,
    model_dir: Path,
    dataset_dir: Path,
    regions: Sequence[Path],
    *,
    load: Callable[[Path], nn.Module],
    head: str | Sequence[str],
    settings: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Probes:
    """Probe a candidate from its files; only validation regions are read.

    Parameters
    ----------
    candidate
        fold, and trainer for what an epoch costs (a network from elsewhere has none).
    model_dir
        Its folder, with metrics.json.
    dataset_dir
        Of the arrays.
    regions
        <fold>.tsv of every fold (region_id, row).
    load
        Folder -> network, in evaluation mode.
    head, settings, seed
        As in `probe`.

    Returns
    -------
    Probes
        Empty for a candidate whose training failed.
    """
    metrics = read_json(model_dir / "metrics.json")
    if metrics.get("status", "ok") != "ok":
        logger.info("not probed: its training failed")
        return no_probes()
    dataset = Dataset.open(dataset_dir, fold=candidate["fold"])
    rows = {path.stem: dataset.locate(read_tsv(path)) for path in regions}
    own = rows.pop(candidate["fold"])
    epoch = epoch_passes(
        len(dataset.rows_of("train", "peak")),
        len(dataset.rows_of("train", "negative")),
        len(dataset.rows_of("valid")),
        negatives_per_epoch=(candidate.get("trainer") or {}).get("negatives_per_epoch"),
    )
    started = time.perf_counter()
    probes = probe(
        load(model_dir),
        dataset.codes(own),
        own,
        head=head,
        tasks=range(len(dataset.info["tasks"])),
        epoch=epoch,
        settings=settings,
        others={fold: (dataset.codes(found), found) for fold, found in rows.items()},
        seed=seed,
    )
    took = time.perf_counter() - started
    if metrics.get("epochs"):
        each = metrics["seconds"] / metrics["epochs"]
        logger.info("the probes took %.2f s; an epoch of this candidate's training took %.2f s", took, each)
    return probes


def probe(
    model: nn.Module,
    codes: np.ndarray,
    rows: np.ndarray,
    *,
    head: str | Sequence[str],
    tasks: Sequence[int] = (0,),
    epoch: int,
    settings: Mapping[str, float] | None = None,
    others: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
    batch_size: int = 128,
    device: str = "cpu",
    seed: int = 0,
) -> Probes:
    """Measure the stability and the faithfulness of a network's maps.

    Parameters
    ----------
    model
        Network whose forward takes (N, 4, L).
    codes, rows
        uint8 (N, L) sequences of the validation regions that are ranked, and their rows in the dataset (N,).
    head, tasks
        What is explained, as in `maps.validation_maps`.
    epoch
        What one epoch of this candidate's training costs (`plan.epoch_passes`).
    settings
        See `plan.DEFAULTS`.
    others
        Another fold -> codes and rows of its regions, for the agreement of maps between folds.
    batch_size, device
        Sequences per pass, and where to run.
    seed
        Of the sample of regions and of every random change: the same for every network of a fold.

    Returns
    -------
    Probes
    """
    others = others or {}
    parts = len(explained_parts(head, tasks))
    plan = plan_probes(len(codes), codes.shape[1], epoch, other_folds=len(others), parts=parts, settings=settings)
    sample = draw_regions(len(codes), plan.regions, seed=seed)
    onehot = one_hot_numpy(codes[sample])
    network = explained(model, onehot, head=head, tasks=tasks, batch_size=batch_size, device=device)
    values, weights = measure_probes(network, onehot, plan, seed=seed)
    fold_rows, fold_maps = {}, {}
    for fold, (fold_codes, theirs) in others.items():
        drawn = draw_regions(len(fold_codes), plan.regions, seed=seed)
        fold_rows[fold] = np.asarray(theirs)[drawn]
        fold_maps[fold] = unit_norm(network.maps(one_hot_numpy(fold_codes[drawn]))).astype(np.float16)
    logger.info(
        "probed on %d regions, mutated %d positions in each of %d: %d passes, an epoch has %d",
        plan.regions,
        plan.positions,
        plan.ism_regions,
        network.passes,
        plan.epoch,
    )
    return Probes(
        rows=np.asarray(rows)[sample], values=values, weights=weights, fold_rows=fold_rows, fold_maps=fold_maps
    )


def measure_probes(
    network: Explained, onehot: np.ndarray, plan: Plan, *, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return criterion -> (R,) values, and criterion -> (R,) weights, of a network on sequences (R, 4, L)."""
    raw = network.gradients(onehot)
    corrected = correct(raw)
    explain, args = network.maps, (onehot, corrected)
    values = {
        "rc_stability": rc_stability(explain, *args),
        "shift_stability": shift_stability(explain, *args),
        "mutation_stability": mutation_stability(explain, *args, seed=seed),
        "noise_stability": noise_stability(explain, *args, seed=seed),
        "retention_stability": retention_stability(explain, *args, seed=seed),
    }
    logger.info("stability: done")
    curve = curves(network.predict, *args, shuffles=SHUFFLES, seed=seed)
    values["insertion"], values["deletion"] = curve.areas()
    values["ism_agreement"] = np.full(len(onehot), np.nan)
    if plan.ism_regions:
        some = draw_regions(len(onehot), plan.ism_regions, seed=seed)
        # Predictions of a region are made with what is fixed for it, which its place among all of them tells.
        positions = draw_positions(len(some), onehot.shape[2], per_region=plan.positions, seed=seed)
        values["ism_agreement"][some] = ism_agreement(
            lambda changed, regions: network.predict(changed, some[regions]), onehot[some], corrected[some], positions
        )
    layers = weighted_layers(network.network, torch.from_numpy(onehot[:2]).to(network.device))
    # An exported program can keep its weights as constants: there is nothing to draw anew.
    for name, chosen in (("random_last", layers[-1:]), ("random_all", None)) if layers else ():
        copies = [redrawn(network.network, chosen, seed=seed + number) for number in range(REDRAWS)]
        explains = [network.with_network(copy).maps for copy in copies]
        values[name] = randomised_similarity(explains, *args)
    for degrees in ANGLES:
        values[f"angle_over_{degrees}"] = angle_share(raw, degrees=degrees)
    logger.info("faithfulness: done")
    return values, {"insertion": curve.full, "deletion": curve.full}
