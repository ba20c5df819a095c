"""Bring arrays and labels in the forms that a notebook has them to one checked table of networks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lucidna.attribution.correction import correct
from lucidna.errors import UserError
from lucidna.ranking.control_share import BIAS, control_map
from lucidna.ranking.labels import control_labels, kind_of, labels_of, region_names_of, scores_of
from lucidna.ranking.prepare import check_onehot, is_projected, misplaced, problem_of, unit_norm
from lucidna.ranking.probes.store import Probes

SAMPLE = 5
"""Regions by which copies of maps are looked for, before all are compared."""

_SAME = 1e-5  # of maps at unit norm; rounding to float32 moves them by less

FAILED_COLUMNS = ["id", "family", "fold", "control", "reason"]


@dataclass(frozen=True)
class Networks:
    """Networks to be ranked, their inputs checked.

    Attributes
    ----------
    table
        One row per network: id, family, fold, control ("none" or its kind), prediction, prediction_lo,
        prediction_hi (NaN where unknown).
    maps
        n arrays (N, 4, L), in the order of the table.
    onehot
        fold -> (N, 4, L).
    votes
        n labels, or None: each network its own vote.
    failed
        Networks that cannot be ranked: id, family, fold, control, reason.
    notices
        Sentences to be repeated in the verdict.
    probes
        n, in the order of the table, with places among the regions; None where there are none.
    tracks
        Every metric of prediction: id, task, metric, value, lo, hi; None where it is not known.
    prediction_draws
        (n, B) metric of prediction in bootstrap samples, the same for all networks of a fold; None where unknown.
    region_ids
        fold -> N names of the regions; None where they have none.
    shuffled, shuffled_onehot
        n arrays (N, 4, L), the networks' maps of dinucleotide-shuffled regions, and fold -> these sequences; None
        where they were not made.
    control_maps
        fold -> (N, 4, L) mean map of networks trained on a control track; empty where there are none.
    shuffled_control_maps
        The same of the shuffled regions.
    bias_controls
        fold -> names of these networks, where they have names.
    """

    table: pd.DataFrame
    maps: list[np.ndarray]
    onehot: dict[str, np.ndarray]
    votes: list | None = None
    failed: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=FAILED_COLUMNS))
    notices: tuple[str, ...] = ()
    probes: list[Probes | None] | None = None
    tracks: pd.DataFrame | None = None
    prediction_draws: np.ndarray | None = None
    region_ids: dict[str, list[str]] | None = None
    shuffled: list[np.ndarray] | None = None
    shuffled_onehot: dict[str, np.ndarray] | None = None
    control_maps: dict[str, np.ndarray] = field(default_factory=dict)
    shuffled_control_maps: dict[str, np.ndarray] = field(default_factory=dict)
    bias_controls: dict[str, list[str]] = field(default_factory=dict)


def read_networks(
    maps: np.ndarray | Sequence[np.ndarray] | Mapping[str, np.ndarray],
    onehot: np.ndarray | Mapping[str, np.ndarray],
    *,
    ids: Sequence[str] | None = None,
    scores=None,
    metric: str = "prediction",
    families: Sequence[str] | Mapping[str, str] | None = None,
    folds: Sequence[str] | Mapping[str, str] | None = None,
    controls: Sequence[str | bool] | Mapping[str, str | bool] | Collection[str] | None = None,
    votes: Sequence[str] | Mapping[str, str] | None = None,
    region_ids: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    control_maps: Sequence[np.ndarray] | Mapping[str, Sequence[np.ndarray]] | None = None,
) -> Networks:
    """Check arrays and labels; parameters as in `panel.rank_candidates`.

    Raises
    ------
    UserError
        See `panel.rank_candidates`.
    """
    names, arrays = _named_arrays(maps, ids)
    fold_of = [str(label) for label in labels_of(folds, names, "folds", ["all"] * len(names))]
    given = labels_of(control_labels(controls, names), names, "controls", ["none"] * len(names))
    kinds = [kind_of(name, value) for name, value in zip(names, given, strict=True)]
    sequences = _sequences(onehot, fold_of)
    several = isinstance(onehot, Mapping)
    region_names = {
        fold: region_names_of(region_ids, fold, len(array), several=several) for fold, array in sequences.items()
    }
    for name, array, fold, kind in zip(names, arrays, fold_of, kinds, strict=True):
        problem = problem_of(array, sequences[fold].shape) or misplaced(array, sequences[fold])
        if problem:
            what = "bias control" if kind == BIAS else "network"
            raise UserError(f"{what} '{name}' cannot be {'used' if kind == BIAS else 'ranked'}: {problem}")
    _of_one_kind(names, arrays, fold_of, sequences)
    copies = identical_maps(names, arrays, fold_of)
    if copies:
        first, second = next(iter(copies.items()))
        raise UserError(f"networks '{second}' and '{first}' have identical maps: give each network once")
    if all(kind != "none" for kind in kinds):
        raise UserError("every network is marked as a control: give at least one candidate")
    values = scores_of(scores, names, metric)
    table = pd.DataFrame(
        {
            "id": names,
            "family": [str(label) for label in labels_of(families, names, "families", names)],
            "fold": fold_of,
            "control": kinds,
            "prediction": values[:, 0],
            "prediction_lo": values[:, 1],
            "prediction_hi": values[:, 2],
        }
    )
    provenance = None if votes is None else list(labels_of(votes, names, "votes", names))
    kept = [index for index, kind in enumerate(kinds) if kind != BIAS]
    bias: dict[str, dict[str, np.ndarray]] = {fold: {} for fold in sequences}
    for name, array, fold, kind in zip(names, arrays, fold_of, kinds, strict=True):
        if kind == BIAS:
            bias[fold][name] = array
    return Networks(
        table=table.iloc[kept].reset_index(drop=True),
        maps=[arrays[index] for index in kept],
        onehot=sequences,
        votes=None if provenance is None else [provenance[index] for index in kept],
        region_ids=None if region_ids is None else region_names,
        control_maps=_control_maps(control_maps, sequences, bias),
        bias_controls={fold: list(own) for fold, own in bias.items() if own},
    )


def _of_one_kind(names: list[str], arrays: list[np.ndarray], folds: list[str], sequences: dict[str, np.ndarray]):
    """Refuse projected maps beside hypothetical ones: what lacks the other bases cannot agree with what has them."""
    projected = [is_projected(array, sequences[fold]) for array, fold in zip(arrays, folds, strict=True)]
    if any(projected) and not all(projected):
        one, other = names[projected.index(True)], names[projected.index(False)]
        raise UserError(
            f"the maps of network '{one}' are zero at every base that is not in the sequence and those of '{other}' "
            "are not: give hypothetical maps of all, or multiply all by the one-hot sequences"
        )


def _control_maps(given, sequences: dict[str, np.ndarray], bias: dict[str, dict[str, np.ndarray]]):
    """Check the maps of control-track networks and average those of each fold with its bias controls'."""
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        if len(sequences) > 1:
            raise UserError(
                f"there are {len(sequences)} folds and one set of control maps: give a dictionary fold -> maps"
            )
        given = dict.fromkeys(sequences, given)
    lists = {fold: list(own.values()) for fold, own in bias.items()}
    for fold, maps in given.items():
        if str(fold) not in sequences:
            raise UserError(f"there are control maps for fold '{fold}', which no network has: leave them out")
        for index, one in enumerate(maps):
            problem = problem_of(np.asarray(one), sequences[str(fold)].shape)
            if problem:
                raise UserError(f"control map {index} cannot be used: {problem}")
        lists[str(fold)] += list(maps)
    return {fold: control_map(maps) for fold, maps in lists.items() if maps}


def identical_maps(names: Sequence[str], arrays: Sequence[np.ndarray], folds: Sequence[str]) -> dict[str, str]:
    """Find networks whose maps say the same as an earlier network's of the same fold: {name: earlier name}.

    Maps are compared as they are ranked, corrected and at unit norm: a copy times two, or with another value added
    to all bases of a position, is a copy.
    """
    kept: dict[tuple, list[tuple[str, np.ndarray]]] = {}
    copies = {}
    for name, array, fold in zip(names, arrays, folds, strict=True):
        sample = _as_ranked(array[:SAMPLE])
        others = kept.setdefault((fold, sample.shape), [])
        for earlier, other in others:
            if np.abs(sample - other).max() < _SAME:
                first = arrays[list(names).index(earlier)]
                if np.abs(_as_ranked(array) - _as_ranked(first)).max() < _SAME:
                    copies[name] = earlier
                    break
        else:
            others.append((name, sample))
    return copies


def _as_ranked(maps: np.ndarray) -> np.ndarray:
    return unit_norm(correct(np.asarray(maps, dtype=np.float64))).astype(np.float32)


def _named_arrays(maps, ids: Sequence[str] | None) -> tuple[list[str], list[np.ndarray]]:
    if not isinstance(maps, Iterable) or isinstance(maps, str | bytes):
        raise UserError(
            f"the maps are given as {type(maps).__name__}: give an array (networks, regions, 4, length), a list of "
            "arrays or a dictionary id -> array"
        )
    if isinstance(maps, Mapping):
        names, arrays = [str(name) for name in maps], list(maps.values())
        if ids is not None and [str(name) for name in ids] != names:
            raise UserError("ids differ from the names of the maps: leave out ids when maps is a dictionary")
    else:
        arrays = list(maps)
        names = [f"model_{index}" for index in range(len(arrays))] if ids is None else [str(name) for name in ids]
    if len(arrays) < 2:
        raise UserError(
            f"{len(arrays) or 'no'} network cannot be ranked: give the maps of at least 2, better 5 or more"
        )
    if len(names) != len(arrays):
        raise UserError(f"there are {len(names)} ids for the maps of {len(arrays)} networks: give one id for each")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise UserError(f"id '{repeated[0]}' is given to more than one network: ids must differ")
    return names, [np.asarray(array) if not isinstance(array, np.ndarray) else array for array in arrays]


def _sequences(onehot, fold_of: list[str]) -> dict[str, np.ndarray]:
    """Return fold -> checked one-hot sequences, in the order in which the folds first occur."""
    folds = list(dict.fromkeys(fold_of))
    if not isinstance(onehot, Mapping):
        if len(folds) > 1:
            raise UserError(
                f"there are {len(folds)} folds and one set of sequences: give a dictionary fold -> sequences"
            )
        return {folds[0]: check_onehot(onehot)}
    given = {str(fold): array for fold, array in onehot.items()}
    missing = [fold for fold in folds if fold not in given]
    if missing:
        raise UserError(f"there are no sequences for fold '{missing[0]}': add them under this name")
    return {fold: check_onehot(given[fold]) for fold in folds}
