"""Measure the faithfulness of the averaged maps of every method on a sample of regions."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from lucidna.attribution.correction import correct
from lucidna.attribution.hdf5 import AttributionFile
from lucidna.attribution.methods import explain, method_arguments
from lucidna.attribution.nulls import codes_of, permuted, shuffled_copies
from lucidna.attribution.output import ScalarOutput, fitting_batch
from lucidna.faithfulness.measures import (
    COLUMNS,
    CURVE_COLUMNS,
    Measured,
    completeness,
    curve_measures,
    curve_table,
    mutagenesis_agreement,
    table_of,
)
from lucidna.files import write_json, write_tsv
from lucidna.ranking.probes.cosine import region_cosine
from lucidna.ranking.probes.explained import Explained
from lucidna.ranking.probes.insertion import curves
from lucidna.ranking.probes.mutagenesis import draw_positions, substitution_effects
from lucidna.ranking.probes.randomisation import redrawn
from lucidna.sequence import one_hot_numpy

log = logging.getLogger(__name__)

ISM_POSITIONS = 40
SHUFFLES = 5
RANDOMISED_REGIONS = 10

FEWEST = 10
"""Regions below which nothing is measured."""


class Members:
    """The networks behind the maps, as one function of sequences.

    Parameters
    ----------
    models : sequence of (str, nn.Module)
        Candidate ids and networks.
    onehot : array
        The regions, float32 (N, 4, L): what is fixed for a region is computed on these.
    head, task
        What is explained (`attribution.output.ScalarOutput`).
    batch_size, device
        Of the passes.
    """

    def __init__(
        self,
        models: Sequence[tuple[str, nn.Module]],
        onehot: np.ndarray,
        *,
        head: str,
        task: int,
        batch_size: int = 64,
        device: str = "cpu",
    ):
        self.names = [name for name, _ in models]
        self.networks = [ScalarOutput(model, head=head, task=task) for _, model in models]
        settings = {"batch_size": batch_size, "device": device}
        self.each = [Explained(network, onehot, **settings) for network in self.networks]

    def predict(self, onehot: np.ndarray, regions: np.ndarray | None = None) -> np.ndarray:
        """Return the mean over the members of the explained number, float64 (M,)."""
        return np.mean([one.predict(onehot, regions) for one in self.each], axis=0)


def measure_faithfulness(
    paths: Mapping[str, str | Path],
    models: Sequence[tuple[str, nn.Module]],
    *,
    tasks: Sequence[str],
    out_dir: str | Path,
    regions: int = 64,
    ism_regions: int = 20,
    bootstraps: int = 500,
    seed: int = 0,
    batch_size: int = 64,
    device: str = "cpu",
) -> pd.DataFrame:
    """Measure the maps of each method on the same regions and write `faithfulness.tsv`, `curves.tsv`, `sample.json`.

    * insertion, deletion: the area under the curves of `ranking.probes.insertion.curves`, with the mean
      prediction of the members; null: the same map with its positions permuted.
    * mutagenesis: cosine with the members' mean substitution effects at `ISM_POSITIONS` positions; same null.
    * completeness: see `measures.completeness`.
    * randomised: absolute cosine with the method's map of a member whose weights are drawn anew, which should be
      small; null: that of the permuted map, what unrelated maps have.

    Parameters
    ----------
    paths : mapping
        Method -> attribution file, all of one task and head.
    models : sequence of (str, nn.Module)
        The members whose maps the files hold; every one of them explains every region here, also those that it
        was trained on.
    tasks : sequence of str
        Names of the tasks, in the order of the network's outputs.
    out_dir : path
        Where the files go.
    regions : int
        Most regions, drawn from those that all methods have.
    ism_regions : int
        Most of these that are mutated.
    bootstraps, seed, batch_size, device
        As elsewhere.

    Returns
    -------
    DataFrame
        method and `measures.COLUMNS`; empty, with a notice in sample.json, when there is no map or fewer than
        `FEWEST` regions that all methods have.
    """
    out_dir = Path(out_dir)
    rows, onehot, attributes = _sample(paths, regions, seed=seed)
    tables, curve_tables, notices = [], [], []
    n = len(onehot)
    if not models or n < FEWEST:
        notices.append(
            "no candidate was chosen, so nothing was measured"
            if not models
            else f"only {n} regions are mapped by all methods: faithfulness needs {FEWEST}"
        )
    else:
        size = fitting_batch(batch_size, onehot.shape[2], device)
        head, task = attributes["head"], list(tasks).index(attributes["task"])
        members = Members(models, onehot, head=head, task=task, batch_size=size, device=device)
        effects, positions = _mutagenesis(members, onehot[:ism_regions], seed=seed)
        differences = _differences(members, onehot, seed=seed)
        for method, path in paths.items():
            with AttributionFile(path) as file:
                order = np.argsort(rows[method])
                maps = np.empty(onehot.shape, dtype=np.float32)
                maps[order] = file.read(rows[method][order]).maps
                settings = file.attributes["parameters"]
            found, curve = _measure(
                method, maps, onehot, members, effects, positions, settings, seed=seed, batch_size=size, device=device
            )
            table = table_of(found, bootstraps=bootstraps, seed=seed)
            whole = completeness(maps, onehot, differences, seed=seed)
            extra = pd.DataFrame([{"measure": "completeness", "better": "higher", "n_regions": n, **whole}])
            tables.append(pd.concat([table, extra], ignore_index=True).assign(method=method))
            curve_tables.append(curve_table(*curve, bootstraps=bootstraps, seed=seed).assign(method=method))
            log.info("%s: faithfulness of %d regions measured", method, n)
    result = _joined(tables, COLUMNS)
    write_tsv(out_dir / "faithfulness.tsv", result)
    write_tsv(out_dir / "curves.tsv", _joined(curve_tables, CURVE_COLUMNS))
    facts = {"n_regions": n, "ism_regions": min(ism_regions, n), "randomised_regions": min(RANDOMISED_REGIONS, n)}
    write_json(out_dir / "sample.json", {**facts, "members": [name for name, _ in models], "notices": notices})
    return result


def _joined(tables: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    if not tables:
        return pd.DataFrame(columns=["method", *columns])
    return pd.concat(tables, ignore_index=True)[["method", *columns]]


def _sample(paths: Mapping[str, str | Path], most: int, *, seed: int) -> tuple[dict, np.ndarray, dict[str, Any]]:
    """Draw regions that all files have: rows by method, the sequences float32 (n, 4, L), attributes of a file."""
    places, attributes = {}, {}
    for method, path in paths.items():
        with AttributionFile(path) as file:
            places[method] = {name: row for row, name in enumerate(file.region_ids)}
            attributes, length = file.attributes, file.length
    first = next(iter(places))
    shared = [name for name in places[first] if all(name in found for found in places.values())]
    chosen = [shared[index] for index in sorted(np.random.default_rng(seed).permutation(len(shared))[:most])]
    rows = {method: np.array([found[name] for name in chosen], dtype=np.int64) for method, found in places.items()}
    if not chosen:
        return rows, np.zeros((0, 4, length), dtype=np.float32), attributes
    with AttributionFile(paths[first]) as file:
        return rows, file.read(rows[first]).onehot.astype(np.float32), attributes


def _mutagenesis(members: Members, onehot: np.ndarray, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return substitution effects with zero mean over bases (n, 4, P), and their positions (n, P)."""
    positions = draw_positions(len(onehot), onehot.shape[2], per_region=ISM_POSITIONS, seed=seed)
    effects = correct(substitution_effects(members.predict, onehot, positions))
    known = np.take_along_axis(onehot.sum(axis=1), positions, axis=1) > 0
    return effects * known[:, None], positions


def _differences(members: Members, onehot: np.ndarray, *, seed: int) -> np.ndarray:
    """Return the members' mean prediction less that of dinucleotide shuffles, (n,)."""
    copies = shuffled_copies(codes_of(onehot), n_shuffles=SHUFFLES, seed=seed, purpose="faithfulness")
    null = np.mean([members.predict(one_hot_numpy(copies[:, draw])) for draw in range(SHUFFLES)], axis=0)
    return members.predict(onehot) - null


def _measure(
    method: str,
    maps: np.ndarray,
    onehot: np.ndarray,
    members: Members,
    effects: np.ndarray,
    positions: np.ndarray,
    settings: Mapping[str, Any],
    *,
    seed: int,
    batch_size: int,
    device: str,
) -> tuple[dict[str, Measured], tuple]:
    """Return the measures of one method's maps, and its curves with those of the null."""
    known = onehot.sum(axis=1, keepdims=True)
    corrected = correct(maps) * known
    null = permuted(corrected, onehot, seed=seed)
    both = [curves(members.predict, onehot, each, seed=seed) for each in (corrected, null)]
    found = curve_measures(*both)
    few = len(effects)
    found["mutagenesis"] = mutagenesis_agreement(corrected[:few], null[:few], effects, positions)
    few = min(RANDOMISED_REGIONS, len(onehot))
    arguments = method_arguments(method, {key: value for key, value in settings.items() if key in _arguments(method)})
    # Any delta will do: the maps of a network with random weights are not used for anything else.
    arguments.update({"max_delta": np.inf} if "max_delta" in arguments else {})
    random = explain(
        method,
        redrawn(members.networks[0], None, seed=seed),
        torch.from_numpy(onehot[:few]),
        arguments=arguments,
        label=members.names[0],
        seed=seed,
        batch_size=batch_size,
        device=device,
    )
    other = correct(random.maps) * known[:few]
    # A network of random weights that does not respond at all has no map to be unlike.
    silent = ~other.any(axis=(1, 2))
    values = [np.where(silent, np.nan, np.abs(region_cosine(each[:few], other))) for each in (corrected, null)]
    found["randomised"] = Measured("lower", *values)
    return found, tuple(both)


def _arguments(method: str) -> dict[str, Any]:
    return method_arguments(method, None)
