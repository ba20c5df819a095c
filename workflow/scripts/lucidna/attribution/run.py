"""Make the attribution maps of an ensemble over the regions of a dataset."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lucidna.attribution.correction import angle_shares
from lucidna.attribution.ensemble import Ensemble, map_norms, scratch_array
from lucidna.attribution.hdf5 import Block, float16_scale, write_attributions, write_regions_bed
from lucidna.attribution.members import NONE_CHOSEN
from lucidna.attribution.methods import explain
from lucidna.attribution.output import ScalarOutput, fitting_batch, predict
from lucidna.attribution.plan import Plan, plan_maps
from lucidna.attribution.tally import Part, Progress, Tally
from lucidna.dataset import Dataset
from lucidna.processor import use_processor
from lucidna.sequence import one_hot_numpy

log = logging.getLogger(__name__)


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
    it runs, intermediate maps of twice the size of all maps in float32 lie beside `out_h5`. Large sets can be
    made in several processes: see `shards`.

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
        mutants that a surrogate explains; else None); notice, only when there are no maps or surrogates do not fit.

    Raises
    ------
    UserError
        Unknown names; no region to explain; maps that are not finite; DeepSHAP that does not converge.
    """
    started = time.perf_counter()
    plan = plan_maps(
        [name for name, _ in models],
        dataset,
        method=method,
        task=task,
        head=head,
        arguments=arguments,
        regions=regions,
        splits=splits,
        null=null,
        average=average,
        seed=seed,
    )
    use_processor(threads)

    def parts(number: int) -> Iterator[Part]:
        return explain_blocks(
            plan, number, models[number][1], plan.blocks(number), batch_size=batch_size, device=device
        )

    return write_maps(plan, parts, dataset, out_h5=out_h5, out_bed=out_bed, started=started)


def explain_blocks(
    plan: Plan, number: int, network: nn.Module, blocks: Sequence[np.ndarray], *, batch_size: int, device: str
) -> Iterator[Part]:
    """Yield what a member says of some of its blocks.

    All random numbers follow from the sequences, and what a network computes depends on the block alone: the same
    block gives the same bytes whatever was explained before it, in this process or in another.
    """
    method, name, parameters = plan.attributes["method"], plan.members[number], plan.attributes["parameters"]
    model = ScalarOutput(network, head=plan.attributes["head"], task=plan.task)
    passes = fitting_batch(batch_size, plan.codes.shape[1], device)
    progress = Progress(f"{method}  member {number + 1}/{len(plan.members)}", sum(map(len, blocks)))
    for rows in blocks:
        onehot = torch.from_numpy(one_hot_numpy(plan.codes[rows]))
        found = explain(
            method,
            model,
            onehot,
            arguments=plan.settings,
            label=name,
            seed=parameters["seed"],
            batch_size=passes,
            device=device,
            average=parameters["average"],
            progress=progress.show,
        )
        progress.advance(len(rows))
        output = found.prediction
        if output is None:
            output = predict(model, onehot, batch_size=passes, device=device).numpy()
        angles = None if found.angles is None else angle_shares(found.angles)
        yield Part(rows, found.maps, output, found.delta, found.explained, angles)
    network.cpu()


def write_maps(
    plan: Plan,
    parts: Callable[[int], Iterable[Part]],
    dataset: Dataset,
    *,
    out_h5: str | Path,
    out_bed: str | Path,
    started: float,
) -> dict[str, Any]:
    """Average what the members say and write it.

    Parameters
    ----------
    plan : Plan
    parts : callable
        Number of a member -> what it says of its blocks, in their order.
    dataset : Dataset
    out_h5, out_bed : path
    started : float
        On the clock of `time.perf_counter`.

    Returns
    -------
    dict
        As `attribute`.
    """
    out_h5 = Path(out_h5)
    out_h5.parent.mkdir(parents=True, exist_ok=True)
    if not plan.members:
        _write_nothing(out_h5, out_bed, dataset, attributes=plan.attributes)
        log.info("%s  %s", plan.attributes["method"], NONE_CHOSEN)
        return _summary(plan, started, [], 1.0, Tally(0)) | {"notice": NONE_CHOSEN}
    n, length = plan.codes.shape
    tally = Tally(n)
    with tempfile.TemporaryDirectory(prefix=".attribute.", dir=out_h5.parent) as folder:
        ensemble = Ensemble(n, length, folder=Path(folder))
        scratch = scratch_array((n, 4, length), np.float32, Path(folder), "member")
        for number in range(len(plan.members)):
            blocks = plan.blocks(number)
            if not blocks:
                continue
            for part in parts(number):
                scratch[part.rows] = part.maps
                tally.add(part)
            ensemble.start_member(np.concatenate([map_norms(scratch[chosen]) for chosen in blocks]))
            for chosen in blocks:
                ensemble.add(chosen, scratch[chosen], one_hot_numpy(plan.codes[chosen]))

        def block(part: slice) -> Block:
            onehot = one_hot_numpy(plan.codes[part], dtype=np.int8)
            result = ensemble.results(part, onehot)
            return Block(onehot, result.mean, result.spread, result.sign_agreement)

        map_scale = float16_scale(ensemble.largest())
        write_attributions(
            out_h5,
            block,
            region_ids=plan.table["region_id"].tolist(),
            length=length,
            prediction=tally.prediction / plan.covered.sum(axis=0),
            convergence_delta=tally.delta,
            map_scale=map_scale,
            attributes=plan.attributes,
        )
    write_regions_bed(out_bed, plan.table, length=length)
    summary = _summary(plan, started, ensemble.constants, map_scale, tally)
    if notice := tally.notice():
        log.warning("%s  %s", plan.attributes["method"], notice)
        summary["notice"] = notice
    return summary


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


def _summary(plan: Plan, started: float, constants: Sequence[float], map_scale: float, tally: Tally) -> dict[str, Any]:
    """Return what `attribute` says of its run."""
    scales = iter(constants)
    return {
        "method": plan.attributes["method"],
        "task": plan.attributes["task"],
        "head": plan.attributes["head"],
        "members": plan.members,
        "n_regions": plan.covered.shape[1],
        "regions_per_member": plan.covered.sum(axis=1).tolist(),
        "member_scales": [next(scales) if some else None for some in plan.covered.any(axis=1)],
        "map_scale": map_scale,
        "seconds": round(time.perf_counter() - started, 2),
        **tally.summary(),
    }
