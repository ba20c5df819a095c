"""Make the attribution maps of an ensemble over the regions of a dataset."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lucidna import __version__
from lucidna.attribution.averaging import averaging
from lucidna.attribution.correction import angle_shares
from lucidna.attribution.ensemble import Ensemble, map_norms, scratch_array
from lucidna.attribution.hdf5 import Block, float16_scale, write_attributions, write_regions_bed
from lucidna.attribution.members import NONE_CHOSEN
from lucidna.attribution.methods import MethodMaps, check_name, explain, method_arguments
from lucidna.attribution.nulls import null_sequences
from lucidna.attribution.output import HEADS, ScalarOutput, fitting_batch, predict
from lucidna.attribution.selection import REGIONS, select_regions
from lucidna.dataset import Dataset
from lucidna.sequence import one_hot_numpy

log = logging.getLogger(__name__)

BLOCK = 512
"""Regions whose maps are held in memory at once."""

_SECONDS_BETWEEN_LINES = 5.0


def attribute(
    models: Sequence[tuple[str, nn.Module]],
    dataset: Dataset,
    *,
    method: str,
    task: str,
    head: str,
    out_h5: str | Path,
    out_bed: str | Path,
    arguments: Mapping[str, Any] | None = None,
    regions: str = "all",
    splits: Mapping[str, np.ndarray] | None = None,
    null: int | None = None,
    average: Mapping[str, Any] | None = None,
    seed: int = 0,
    batch_size: int = 64,
    device: str = "cpu",
    threads: int | None = None,
) -> dict[str, Any]:
    """Write the mean map of several networks over the peaks, with its spread, and return a summary.

    How maps are prepared is said in `methods.explain`, how members are averaged in `ensemble.Ensemble`. While
    it runs, intermediate maps of twice the size of all maps in float32 lie beside `out_h5`.

    Parameters
    ----------
    models : sequence of (str, nn.Module)
        Candidate ids and networks. Without any, both files are written with no region in them, and the
        attribution file has the attribute "note" that says so.
    dataset : Dataset
        Regions and sequences.
    method : str
        One of `methods.METHODS`.
    task : str
        Name of the task, from ``dataset.info["tasks"]``.
    head : {"logit", "counts", "profile"}
        What is explained (see `output.ScalarOutput`).
    out_h5, out_bed : path
        The attribution file and its regions.
    arguments : mapping, optional
        Of the method, `max_regions` among them; those not given take the defaults in `methods.METHODS`.
    regions, splits
        Which peaks each member explains (see `selection.select_regions`).
    null : int, optional
        Explain, instead of each region, this draw of its dinucleotide shuffles.
    average : mapping, optional
        Views that each map is the mean of: `reverse_complement` (bool) and `shift` (bp), see `averaging.averaged`.
    seed : int
        Of the draw of regions, the references and the null.
    batch_size : int
        Sequences per pass, at most.
    device : str
        Where the networks run.
    threads : int, optional
        CPU threads of torch; as it is when not given.

    Returns
    -------
    dict
        method, task, head, members, n_regions, regions_per_member, member_scales, map_scale, seconds, delta
        (median, q95, max of what contributions fail to add up to; else None), angles (share of positions whose
        gradient is off the simplex; else None), explained (median and q05 over regions of the variance of
        mutants that a surrogate explains; else None); notice, only when there are no maps.

    Raises
    ------
    UserError
        Unknown names; no region to explain; maps that are not finite; DeepSHAP that does not converge.
    """
    started = time.perf_counter()
    settings = method_arguments(method, arguments)
    average = averaging(average, length=dataset.info["window"]["input"])
    check_name(task, dataset.info["tasks"], "task")
    check_name(head, HEADS[dataset.info["target"]], f"head of target {dataset.info['target']}")
    check_name(regions, REGIONS, "choice of regions")
    if threads is not None:
        torch.set_num_threads(threads)
    members = [name for name, _ in models]
    out_h5 = Path(out_h5)
    out_h5.parent.mkdir(parents=True, exist_ok=True)
    attributes = {
        "method": method,
        "parameters": {**settings, "seed": seed, "regions": regions, "null": null, "average": average},
        "candidates": members,
        "task": task,
        "head": head,
        "versions": versions(),
        "dataset_digest": dataset.info["digest"],
    }
    if not members:
        _write_nothing(out_h5, out_bed, dataset, attributes=attributes)
        log.info("%s  %s", method, NONE_CHOSEN)
        return _summary(attributes, started, np.zeros((0, 0), dtype=bool), [], 1.0, _Tally(0)) | {"notice": NONE_CHOSEN}
    rows, covered = select_regions(
        (dataset.rows["role"] == "peak").to_numpy(),
        members,
        regions=regions,
        splits=splits,
        max_regions=settings["max_regions"],
        seed=seed,
    )
    table = dataset.rows.iloc[rows]
    codes = np.asarray(dataset.codes(rows))
    if null is not None:
        codes = null_sequences(codes, draw=null, seed=seed)
    length = codes.shape[1]
    tally = _Tally(len(rows))
    passes = fitting_batch(batch_size, length, device)
    with tempfile.TemporaryDirectory(prefix=".attribute.", dir=out_h5.parent) as folder:
        ensemble = Ensemble(len(rows), length, folder=Path(folder))
        scratch = scratch_array((len(rows), 4, length), np.float32, Path(folder), "member")
        for number, (name, network) in enumerate(models):
            mine = np.flatnonzero(covered[number])
            if not len(mine):
                continue
            model = ScalarOutput(network, head=head, task=dataset.info["tasks"].index(task))
            progress = _Progress(f"{method}  member {number + 1}/{len(models)}", len(mine))
            for chosen in _blocks(mine):
                onehot = torch.from_numpy(one_hot_numpy(codes[chosen]))
                found = explain(
                    method,
                    model,
                    onehot,
                    arguments=settings,
                    label=name,
                    seed=seed,
                    batch_size=passes,
                    device=device,
                    average=average,
                    progress=progress.show,
                )
                progress.advance(len(chosen))
                scratch[chosen] = found.maps
                if found.prediction is None:
                    output = predict(model, onehot, batch_size=passes, device=device).numpy()
                    found = found._replace(prediction=output)
                tally.add(chosen, found)
            network.cpu()
            ensemble.start_member(np.concatenate([map_norms(scratch[chosen]) for chosen in _blocks(mine)]))
            for chosen in _blocks(mine):
                ensemble.add(chosen, scratch[chosen], one_hot_numpy(codes[chosen]))

        def block(part: slice) -> Block:
            onehot = one_hot_numpy(codes[part], dtype=np.int8)
            result = ensemble.results(part, onehot)
            return Block(onehot, result.mean, result.spread, result.sign_agreement)

        map_scale = float16_scale(ensemble.largest())
        write_attributions(
            out_h5,
            block,
            region_ids=table["region_id"].tolist(),
            length=length,
            prediction=tally.prediction / covered.sum(axis=0),
            convergence_delta=tally.delta,
            map_scale=map_scale,
            attributes=attributes,
        )
    write_regions_bed(out_bed, table, length=length)
    return _summary(attributes, started, covered, ensemble.constants, map_scale, tally)


def versions() -> dict[str, str]:
    """Return the versions of what determines a map's numbers."""
    return {"lucidna": __version__, **{name: version(name) for name in ("torch", "tangermeme", "numpy")}}


def _write_nothing(out_h5: Path, out_bed: str | Path, dataset: Dataset, *, attributes: Mapping[str, Any]) -> None:
    """Write both files without a region; every reader of whole ones can read them."""
    write_attributions(
        out_h5,
        lambda part: None,
        region_ids=[],
        length=dataset.info["window"]["input"],
        prediction=np.zeros(0),
        convergence_delta=np.zeros(0),
        map_scale=1.0,
        attributes={**attributes, "note": NONE_CHOSEN},
    )
    write_regions_bed(out_bed, dataset.rows.iloc[:0], length=dataset.info["window"]["input"])


def _summary(
    attributes: Mapping[str, Any],
    started: float,
    covered: np.ndarray,
    constants: Sequence[float],
    map_scale: float,
    tally: _Tally,
) -> dict[str, Any]:
    """Return what `attribute` says of its run; `covered` bool (members, regions)."""
    scales = iter(constants)
    return {
        "method": attributes["method"],
        "task": attributes["task"],
        "head": attributes["head"],
        "members": attributes["candidates"],
        "n_regions": covered.shape[1],
        "regions_per_member": covered.sum(axis=1).tolist(),
        "member_scales": [next(scales) if some else None for some in covered.any(axis=1)],
        "map_scale": map_scale,
        "seconds": round(time.perf_counter() - started, 2),
        **tally.summary(),
    }


def _blocks(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]


class _Tally:
    """What is measured beside the maps, over members."""

    def __init__(self, n_regions: int):
        self.prediction = np.zeros(n_regions)
        self.delta = np.full(n_regions, np.nan, dtype=np.float32)
        self.angles: list[tuple[int, dict[str, float]]] = []
        self.explained: list[np.ndarray] = []

    def add(self, rows: np.ndarray, found: MethodMaps) -> None:
        self.prediction[rows] += found.prediction
        if found.delta is not None:
            self.delta[rows] = np.fmax(self.delta[rows], found.delta)
        if found.angles is not None:
            self.angles.append((len(rows), angle_shares(found.angles)))
        if found.explained is not None:
            self.explained.append(found.explained)

    def summary(self) -> dict[str, Any]:
        delta, angles, explained = None, None, None
        if np.isfinite(self.delta).any():
            median, high, largest = np.nanquantile(self.delta, [0.5, 0.95, 1.0]).tolist()
            delta = {"median": median, "q95": high, "max": largest}
        if self.angles:
            weights = [count for count, _ in self.angles]
            shares = [found for _, found in self.angles]
            angles = {key: float(np.average([found[key] for found in shares], weights=weights)) for key in shares[0]}
        if self.explained:
            low, median = np.nanquantile(np.concatenate(self.explained), [0.05, 0.5]).tolist()
            explained = {"median": median, "q05": low}
        return {"delta": delta, "angles": angles, "explained": explained}


class _Progress:
    """Logs how many regions are done: at the end, and before it every few seconds."""

    def __init__(self, label: str, total: int):
        self.label, self.total = label, total
        self.finished = 0
        self.next_line = time.perf_counter() + _SECONDS_BETWEEN_LINES

    def show(self, done_in_block: int) -> None:
        """Log the regions done, if it is time."""
        now = time.perf_counter()
        if now >= self.next_line:
            log.info("%s  %d/%d regions", self.label, self.finished + done_in_block, self.total)
            self.next_line = now + _SECONDS_BETWEEN_LINES

    def advance(self, n_regions: int) -> None:
        """Count a finished block; the last one is always logged."""
        self.finished += n_regions
        if self.finished == self.total:
            log.info("%s  %d/%d regions", self.label, self.finished, self.total)
