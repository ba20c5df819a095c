"""Which fake fools which score: its percentile among the networks, and whether the veto catches it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lucidna.ranking.bootstrap import bootstrap_means, percentile_interval, resample, weighted_mean
from lucidna.ranking.consensus import Consensus, consensus
from lucidna.ranking.criteria import AGAINST_CONSENSUS, RECURRENCE_NULL, measure
from lucidna.ranking.gate import VETO_AGAINST, VETO_CHANCE, veto_reasons
from lucidna.ranking.prepare import MapSet, unit_norm
from lucidna.ranking.recurrence import sl_con
from lucidna.ranking.score import RULE_A, RULE_B, combined_score, rank_percentiles
from lucidna.truth.metrics import ground_truth_metrics
from rankbench.fakes import fake_maps
from rankbench.further_fakes import further_fakes
from rankbench.networks import CONTROLS
from rankbench.store import TRUTHS, Population

SINGLE = ("sl_con", "soft_kmer6", "ac1_g", "selfsnr", "m1cf", "m1", "m2", "agreement")


def fooled_table(population: Population, settings: Mapping, *, seed: int = 0) -> pd.DataFrame:
    """Enter every fake, and every control, alone among the candidates, with a vote like theirs.

    Parameters
    ----------
    population
        Candidates and controls.
    settings
        shown: regions; further: whether the kinds of `further_fakes` enter too.

    Returns
    -------
    DataFrame
        fake; true, its percentile among the candidates by the true composite; the same for every criterion and
        rule (0 to 100, ties half); veto_a, veto_b (whether lucidna's veto catches it under either rule) and
        reason. A fake is fooling a score when that gives it a higher percentile than the truth does.
    """
    shown = settings["shown"]
    candidates, controls = population.rows("candidate"), population.rows(*CONTROLS)
    fakes = fakes_of(population, shown, seed=seed, further=settings.get("further", False))
    sources = [population.maps[row][:shown] for row in (*candidates, *controls)] + list(fakes.values())
    maps = MapSet(sources, population.onehot[:shown])
    n, m = len(candidates), len(controls)
    candidate = np.arange(len(maps)) < n
    measured = measure(maps, families=[""] * len(maps), voters=candidate, recurrence_null=True, seed=seed)
    permuted = measured.population.pop(RECURRENCE_NULL)[:, 2]
    values = measured.means() | {name: part[:, 0] for name, part in measured.population.items()}
    counts = resample(maps.n_regions, 200, seed=seed)
    truth = _true_values(maps, population.truth[:shown])
    recurrence = bootstrap_means(measured.values["sl_con"], counts, measured.weights["sl_con"])
    names = [population.table["role"].iloc[row] for row in controls] + list(fakes)
    found = []
    for entered, name in zip(range(n, len(maps)), names, strict=True):
        inside = candidate | (np.arange(len(maps)) == entered)
        with_vote = consensus(maps, np.nan_to_num(values["sl_con"]), voters=inside, also=AGAINST_CONSENSUS)
        scores = {key: values[key] for key in SINGLE} | components(with_vote)
        group = {key: column[inside] for key, column in scores.items()}
        everyone = np.ones(n + 1, dtype=bool)
        group["rule_a"] = combined_score(group, RULE_A, everyone)
        group["rule_b"] = combined_score(group, RULE_B, everyone)
        true = {key: column[inside] for key, column in truth.items()}
        group = {"true": combined_score(true, dict.fromkeys(true, 1.0), everyone), **group}
        known = inside | (np.isin(np.arange(len(maps)), range(n, n + m)))
        draws = {
            "c_cos": bootstrap_means(with_vote.cosine, counts),
            "c_auc": bootstrap_means(with_vote.auc, counts),
            "sl_con": recurrence,
            **{key: bootstrap_means(part, counts) for key, part in with_vote.also.items()},
        }
        chance = {"A*": VETO_CHANCE["A*"], "B": VETO_CHANCE["B"] | {"sl_con": permuted[known]}}
        veto = [_veto(scores, draws, rule, chance[rule], candidate=inside, known=known) for rule in ("A*", "B")]
        found.append(
            {
                "fake": name,
                **{key: percentile_of_last(column) for key, column in group.items()},
                "veto_a": veto[0] is not None,
                "veto_b": veto[1] is not None,
                "reason": veto[0] or "",
            }
        )
    return pd.DataFrame(found)


def fakes_of(population: Population, shown: int, *, seed: int, further: bool = False) -> dict[str, np.ndarray]:
    """Make the fakes for the first `shown` regions from the candidate with the best true cosine."""
    candidates = population.rows("candidate")
    best = candidates[population.table["true_cosine"].to_numpy()[candidates].argmax()]
    honest = MapSet([population.maps[best][:shown]], population.onehot[:shown]).corrected(0)
    drawn = population.drawn
    codes = drawn.codes[drawn.shown[:shown]]
    fakes = fake_maps(codes, honest, drawn.core, seed=seed)
    return fakes | further_fakes(codes, honest, seed=seed) if further else fakes


def components(found: Consensus) -> dict[str, np.ndarray]:
    """Return c_cos, c_snr and c_auc, and what else was asked for, (n,) each."""
    parts = dict(zip(RULE_A, (found.cosine, found.snr, found.auc), strict=True)) | found.also
    return {name: weighted_mean(part) for name, part in parts.items()}


def percentile_of_last(values: np.ndarray) -> float:
    """Return which percentage of the others the last of (n,) beats, ties half; NaN counts lowest."""
    others = np.arange(len(values)) < len(values) - 1
    return float(100 * rank_percentiles(values, others)[-1])


def _true_values(maps: MapSet, truth: np.ndarray) -> dict[str, np.ndarray]:
    """Cosine, AUROC and SNR of every map set with the truth (N, 4, L), (n,) each."""
    found = [ground_truth_metrics(maps.corrected(index), maps.onehot, truth) for index in range(len(maps))]
    return {name: np.array([np.nanmean(values[name]) for values in found]) for name in TRUTHS}


def _veto(
    scores: Mapping[str, np.ndarray],
    draws: Mapping[str, np.ndarray],
    rule: str,
    chance: Mapping[str, float | np.ndarray],
    *,
    candidate: np.ndarray,
    known: np.ndarray,
) -> str | None:
    """Why lucidna would veto the last candidate under a rule, None where it would not.

    `draws` are bootstrap means of what vetoes, `chance` what maps without signal give; `known` marks the networks
    there are: candidates and controls.
    """
    ends = {name: percentile_interval(drawn[:, known]) for name, drawn in draws.items()}
    last = int(np.flatnonzero(candidate[known])[-1])
    return veto_reasons(
        {name: scores[name][known] for name in draws},
        {name: pair[0] for name, pair in ends.items()},
        {name: pair[1] for name, pair in ends.items()},
        candidate=candidate[known],
        against_controls=VETO_AGAINST[rule],
        chance=chance,
        quantile=0.05 if rule == "A*" else 0.0,
    )[last]


def shared_table(population: Population, settings: Mapping, *, seed: int = 0) -> pd.DataFrame:
    """Let many near-copies of one fake enter a population: a bias that a share of the networks has in common.

    Parameters
    ----------
    settings
        shown: regions, half of them used; shared: share of the fakes -> number of honest networks; noise: norm of
        each copy's own noise, the fake's being 1.

    Returns
    -------
    DataFrame
        fake, share, honest, copies; above_a and above_uniform: the share of the copies that rank above the
        median honest network under rule A*, and under the same rule with equal weights at the start.
    """
    rng = np.random.default_rng(seed)
    shown = settings["shown"] // 2
    fakes = fakes_of(population, shown, seed=seed)
    candidates = population.rows("candidate")
    onehot = population.onehot[:shown]
    found = []
    for share, count in settings["shared"].items():
        honest = rng.permutation(candidates)[: min(count, len(candidates))]
        copies = round(len(honest) * share / (1 - share))
        for name, fake in fakes.items():
            noisy = [unit_norm(fake) + settings["noise"] * _unit_noise(fake.shape, rng) for _ in range(copies)]
            maps = MapSet([*(population.maps[row][:shown] for row in honest), *noisy], onehot)
            recurrence = [float(weighted_mean(*sl_con(maps.corrected(index), onehot))) for index in range(len(maps))]
            above = {
                "above_a": _above_median(components(consensus(maps, np.array(recurrence))), len(honest)),
                "above_uniform": _above_median(components(consensus(maps, np.ones(len(maps)))), len(honest)),
            }
            found.append({"fake": name, "share": share, "honest": len(honest), "copies": copies, **above})
    return pd.DataFrame(found)


def _unit_noise(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return unit_norm(rng.standard_normal(shape, dtype=np.float32))


def _above_median(criteria: Mapping[str, np.ndarray], honest: int) -> float:
    """Share of the networks after the first `honest` whose rule-A score exceeds the honest median."""
    score = combined_score(criteria, RULE_A, np.ones(len(criteria["c_cos"]), dtype=bool))
    return float((score[honest:] > np.median(score[:honest])).mean())
