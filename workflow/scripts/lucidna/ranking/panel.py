"""Rank networks by how far their maps can be believed: arrays in one line, or the files of an experiment."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from lucidna.ranking.experiment import read_experiment
from lucidna.ranking.inputs import read_networks
from lucidna.ranking.rank import rank_networks
from lucidna.ranking.tables import Ranking


def rank_candidates(
    maps: np.ndarray | Sequence[np.ndarray] | Mapping[str, np.ndarray],
    onehot: np.ndarray | Mapping[str, np.ndarray],
    *,
    ids: Sequence[str] | None = None,
    scores: np.ndarray | Sequence[float] | Mapping[str, float | Sequence[float]] | None = None,
    metric: str = "prediction",
    families: Sequence[str] | Mapping[str, str] | None = None,
    folds: Sequence[str] | Mapping[str, str] | None = None,
    controls: Sequence[str | bool] | Mapping[str, str | bool] | Collection[str] | None = None,
    votes: Sequence[str] | Mapping[str, str] | None = None,
    region_ids: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    control_maps: Sequence[np.ndarray] | Mapping[str, Sequence[np.ndarray]] | None = None,
    objective: Mapping[str, float] | None = None,
    top: int = 5,
    single: bool = False,
    margin: float = 0.0,
    quantile: float = 0.05,
    consistency: Mapping[str, object] | None = None,
    bootstraps: int = 500,
    seed: int = 0,
) -> Ranking:
    """Rank networks by the maps they give for the same sequences.

    Parameters
    ----------
    maps
        n arrays (N, 4, L) of hypothetical attributions (saliency of the logit, say), bases ACGT, raw or
        corrected: one array (n, N, 4, L), a list, or a dictionary id -> array. Memory-mapped arrays are read
        one network at a time. Nothing in such an array says of which sequences it is: maps whose regions are in
        another order than `onehot` are noticed only when they are projected (one base at each position). Otherwise
        they hardly agree with any other network's, and a network that is given twice, once in another order, is
        not seen to be a copy. (Maps from files come with sequences and ids of their own, which are compared.)
    onehot
        The sequences, one-hot (N, 4, L) or codes (N, L); with several folds a dictionary fold -> sequences.
    ids
        n names; by default the keys of `maps`, or model_0, model_1, ...
    scores
        Validation metric of each network, higher is better: n numbers, (n, 3) numbers (value and interval
        ends), or a dictionary; on the scale of the metric, not in percent. Without intervals and with `margin` 0
        they are shown and gate nothing.
    metric
        Name of `scores`, "auroc", "aupr", "pearson", "spearman" or one of your own. "auroc" and "pearson" have a known
        chance level, at or below which networks are gated and have no vote.
    families
        Labels architecture x recipe, by default each network its own.
    folds
        Labels; maps are compared only within a fold.
    controls
        Which networks are controls: ids, n truth values, or n kinds ("none", "label_shuffled",
        "random_weights", "control"). They are scored like the others, have no vote, and are never chosen. Those of
        the kind "bias" are not ranked: their maps are used as `control_maps` of their fold.
    votes
        Labels of provenance: networks with the same one (checkpoints of one run) share one vote.
    region_ids
        Names of the N regions, per fold where there are several; checked for number and repeats.
    control_maps
        Maps (N, 4, L) of one or more networks trained on a control track (naked DNA, input) for the same
        sequences; with several folds a dictionary fold -> list. Agreement alone rewards a preference of the
        assay that every network has learnt: with these maps the consensus that c_cos, c_snr and c_auc compare
        with has theirs taken out, and the panel shows `control_share`, the share of each network's squared
        map where theirs is largest.
    objective
        Weights of c_cos, c_snr and c_auc in the score (rule A*).
    top
        Size of the delivered set; `single` delivers the best network alone.
    margin
        Loss of the validation metric that is accepted at the gate.
    quantile
        With 20 or more candidates in a fold that pass the gate, this lowest share of their c_cos, c_auc and sl_con is
        vetoed, and what has a c_isolation far above that of all others; 0 for neither. Maps that agree with the others
        no better than chance, or are zero in more than a tenth of the regions, are always vetoed.
    consistency
        Settings of ACME's divergences: k, threshold, window, cutoff, basis.
    bootstraps, seed
        Number of bootstrap samples of regions; seed of these and of the nulls.

    Returns
    -------
    Ranking

    Raises
    ------
    UserError
        Fewer than 2 networks or 20 regions; repeated ids; maps that are NaN, all zero, identical, no real numbers,
        or of another shape than the sequences; projected maps beside hypothetical ones; scores or labels that name
        other networks; settings that are unknown or out of range.

    Notes
    -----
    The score is the mean rank percentile, among the candidates of a fold that passed gate and veto, of three measures
    of agreement with a re-weighted consensus of the other networks (`consensus.consensus`); in folds with fewer than 3
    other networks, of four that read one network at a time. Leaving out a network that predicts no better than chance
    changes nothing for the others; one that the gate stops for another reason, or that is vetoed, still has its vote
    in the consensus. Intervals are 95 %, from bootstrap samples of regions with the consensus and fitted tables held
    fixed; for the two divergences and their nulls from a block jackknife.

    Examples
    --------
    Networks with maps (N, 4, L) in one .npy file each, too many for the memory at once:

    >>> maps = {path.stem: np.load(path, mmap_mode="r") for path in Path("maps").glob("*.npy")}  # doctest: +SKIP
    >>> ranking = rank_candidates(maps, onehot, scores=aurocs, metric="auroc", seed=0)  # doctest: +SKIP
    >>> print(ranking.verdict["text"])                                      # doctest: +SKIP
    >>> ranking.ranking[["rank", "id", "score", "score_lo", "score_hi"]]    # doctest: +SKIP
    >>> ranking.write("results/mine")                                       # doctest: +SKIP
    >>> average = ranking.average(maps, onehot)                             # doctest: +SKIP
    >>> average.write("results/mine/average.attributions.h5")               # doctest: +SKIP

    A dinucleotide-shuffled or label-shuffled control among them vetoes what is no better than it:

    >>> ranking = rank_candidates(maps, onehot, controls=["shuffled_0"])    # doctest: +SKIP
    """
    networks = read_networks(
        maps,
        onehot,
        ids=ids,
        scores=scores,
        metric=metric,
        families=families,
        folds=folds,
        controls=controls,
        votes=votes,
        region_ids=region_ids,
        control_maps=control_maps,
    )
    return rank_networks(
        networks,
        metric=metric,
        objective=objective,
        top=top,
        single=single,
        margin=margin,
        quantile=quantile,
        consistency=consistency,
        bootstraps=bootstraps,
        seed=seed,
    )


def rank_experiment(
    candidates: Sequence[Mapping],
    train_dir: str | Path,
    maps_dir: str | Path,
    dataset,
    *,
    regions_dir: str | Path | None = None,
    probes_dir: str | Path | None = None,
    shuffled_dir: str | Path | None = None,
    objective: Mapping[str, float] | None = None,
    top: int = 5,
    single: bool = False,
    margin: float = 0.0,
    quantile: float = 0.05,
    consistency: Mapping[str, object] | None = None,
    bootstraps: int = 500,
    seed: int = 0,
) -> Ranking:
    """Rank the trained candidates of an experiment from their files; only validation regions are read.

    Parameters
    ----------
    candidates
        Candidates of the grid, controls included: id, architecture, recipe, fold, seed, control. Those of the
        control "bias" are not ranked: their maps are the `control_maps` of their fold.
    train_dir
        Folder with <id>/metrics.json and <id>/valid.npz.
    maps_dir
        Folder with <id>.npy, float32 (n, 4, L).
    dataset
        Open `lucidna.dataset.Dataset`, for the sequences of the regions.
    regions_dir
        Folder with <fold>.tsv (region_id, row); by default `regions` beside `maps_dir`.
    probes_dir
        Folder with <id>.npz of every candidate (`probes.store`); None leaves these criteria out of the panel.
    shuffled_dir
        Folder with <id>.npy of every candidate, its maps of `shuffles.shuffled_regions`; None leaves out the columns
        `<criterion>_shuffled`, what the same lines give without motifs.
    objective, top, single, margin, quantile, consistency, bootstraps, seed
        As in `rank_candidates`.

    Returns
    -------
    Ranking
        Candidates whose training failed, or whose maps are unusable, are listed as failed with the reason.

    Raises
    ------
    UserError
        A file is missing, or its rows are not those of the dataset; a bias control has no maps that can be used.
    """
    maps_dir = Path(maps_dir)
    networks, metric = read_experiment(
        candidates,
        Path(train_dir),
        maps_dir,
        maps_dir.parent / "regions" if regions_dir is None else Path(regions_dir),
        dataset,
        probes_dir=None if probes_dir is None else Path(probes_dir),
        shuffled_dir=None if shuffled_dir is None else Path(shuffled_dir),
        bootstraps=bootstraps,
        seed=seed,
    )
    return rank_networks(
        networks,
        metric=metric,
        objective=objective,
        top=top,
        single=single,
        margin=margin,
        quantile=quantile,
        consistency=consistency,
        bootstraps=bootstraps,
        seed=seed,
    )
