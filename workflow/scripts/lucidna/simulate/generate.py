"""Write a folder of inputs, as a user would bring them, and the truth behind them."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pandas as pd

from lucidna.errors import UserError
from lucidna.files import write_json, write_tsv
from lucidna.meme import write_meme
from lucidna.simulate.genome import build_chromosome
from lucidna.simulate.grammar import (
    Difficulty,
    Motif,
    build_motifs,
    describe,
    difficulty_of,
    find_matches,
    strengths,
)
from lucidna.simulate.ppm import random_ppms
from lucidna.simulate.signal import REACH, call_peaks, contribution_mask, draw_signal
from lucidna.simulate.variants import draw_variants, write_vcf
from lucidna.simulate.write import write_bigwig, write_fasta, write_instances, write_narrowpeak

_LOG = logging.getLogger(__name__)
_UNRELATED = (
    (8, 11.0),
    (10, 14.0),
    (12, 16.0),
    (14, 18.0),
)  # columns and bits of the database's other motifs
_WINDOW = 200  # bp of the window in which the summary counts cuts
_APART = 300  # bp from any summit at which the summary's other windows lie
_BEST_SCORE = 1000  # of a BED line
_VARIANTS = 1  # sets the random numbers of variants apart from those of any chromosome
_SHORTEST = 1000  # bp of a chromosome, several times an instance's reach


def simulate(
    directory: str | os.PathLike,
    *,
    seed: int,
    chromosomes: dict[str, int],
    peaks: int,
    difficulty: str = "standard",
    unrelated_motifs: int = 20,
) -> None:
    """Simulate single-base chromatin accessibility with a known grammar.

    Accessibility is a function of the sequence plus noise (`signal.draw_signal`). The accessible sites are
    where the grammar's motifs were planted together; a lone match elsewhere acts by the same rule, makes a
    small bump, and is in the truth too. A few sites hold no motif at all, and are peaks all the same.

    Files, below `directory`:

    * genome.fa: FASTA, some lower case, one run of N in every chromosome.
    * peaks.narrowPeak: one line per accessible site, as a peak caller would report it.
    * accessibility.bw: cuts per base, both strands; cuts_plus.bw and cuts_minus.bw: the same by strand.
    * database.meme: the grammar's motifs, decoys included, among unrelated ones.
    * variants.vcf: variants that break instances, or nothing (`variants.draw_variants`).
    * truth/instances.bed: every motif instance (`write.INSTANCE_COLUMNS`); the header line begins with #.
    * truth/mask.bw: what every base contributes, in |log2|.
    * truth/motifs.json: the grammar's motifs: role, effect, ppm (4, w), spacing.
    * truth/variants.tsv: what every variant breaks (`variants.COLUMNS`).
    * truth/summary.json: settings, counts, and the largest correlation that a model can reach.

    Parameters
    ----------
    directory : path
        Made if missing.
    seed : int
        Not negative. The same seed gives the same bytes; a chromosome does not depend on the others.
    chromosomes : dict[str, int]
        Length in bp by name.
    peaks : int
        Accessible sites in all, shared out by length.
    difficulty : "easy", "standard" or "hard"
    unrelated_motifs : int
        Motifs in the database that occur nowhere.

    Raises
    ------
    UserError
        For an unknown difficulty, a negative seed, no chromosome or one too short, or more peaks than fit.
    """
    settings = difficulty_of(difficulty)
    if seed < 0 or peaks < 1 or not chromosomes:
        raise UserError(
            f"config key 'simulate' asks for seed {seed}, {peaks} peaks and {len(chromosomes)} chromosomes: "
            "give a seed of 0 or more, and at least one of the others"
        )
    for name, length in chromosomes.items():
        if length < _SHORTEST:
            raise UserError(f"config key 'simulate.chromosomes' gives '{name}' {length} bp: give {_SHORTEST} or more")
    motifs = build_motifs(settings)
    parts = {}
    for index, (name, n_sites) in enumerate(_share_out(peaks, chromosomes).items()):
        rng = np.random.default_rng([seed, index])
        parts[name] = _simulate_chromosome(name, chromosomes[name], n_sites, motifs, settings, rng=rng)
        _LOG.info("simulated %s: %d bp, %d accessible sites", name, chromosomes[name], n_sites)

    called = pd.concat([part["peaks"] for part in parts.values()], ignore_index=True)
    called["name"] = [f"peak_{number}" for number in range(1, len(called) + 1)]
    relative = np.log1p(called["height"]) / np.log1p(called["height"].max())
    called["score"] = np.rint(relative * 1000).astype(int)
    instances = _name_regions(pd.concat([part["instances"] for part in parts.values()], ignore_index=True), called)

    folder = Path(directory)
    write_fasta(folder / "genome.fa", {name: (part["codes"], part["lower"]) for name, part in parts.items()})
    write_narrowpeak(folder / "peaks.narrowPeak", called)
    write_bigwig(folder / "accessibility.bw", {n: part["plus"] + part["minus"] for n, part in parts.items()})
    write_bigwig(folder / "cuts_plus.bw", {name: part["plus"] for name, part in parts.items()})
    write_bigwig(folder / "cuts_minus.bw", {name: part["minus"] for name, part in parts.items()})
    database = _database(motifs, unrelated_motifs, seed=seed)
    write_meme(folder / "database.meme", list(database), list(database.values()), sites=[100] * len(database))
    write_instances(folder / "truth" / "instances.bed", instances)
    write_bigwig(folder / "truth" / "mask.bw", {name: part["mask"] for name, part in parts.items()})
    write_json(folder / "truth" / "motifs.json", describe(motifs))
    variants = draw_variants(
        {name: part["codes"] for name, part in parts.items()},
        instances,
        called,
        {motif.name: motif.ppm for motif in motifs.values()},
        {motif.name: motif.role for motif in motifs.values()},
        rng=np.random.default_rng([seed, len(parts), _VARIANTS]),
    )
    write_vcf(folder / "variants.vcf", variants, chromosomes)
    write_tsv(folder / "truth" / "variants.tsv", variants)
    summary = {
        "seed": seed,
        "difficulty": difficulty,
        "chromosomes": dict(chromosomes),
        "peaks": len(called),
        "peaks_without_motifs": int(sum(part["empty"] for part in parts.values())),
        "cuts": int(sum((part["plus"] + part["minus"]).sum() for part in parts.values())),
        "instances": {
            name: {
                "everywhere": int((instances["motif"] == name).sum()),
                "at_peaks": int(((instances["motif"] == name) & (instances["region"] != ".")).sum()),
            }
            for name in motifs
        },
        **_ceiling(parts),
    }
    write_json(folder / "truth" / "summary.json", summary)


def _share_out(peaks: int, chromosomes: dict[str, int]) -> dict[str, int]:
    """Share the peaks out by length, largest remainders first."""
    lengths = np.array(list(chromosomes.values()), dtype=np.float64)
    exact = peaks * lengths / lengths.sum()
    shares = np.floor(exact).astype(int)
    shares[np.argsort(shares - exact, kind="stable")[: peaks - shares.sum()]] += 1
    return dict(zip(chromosomes, shares.tolist(), strict=True))


def _simulate_chromosome(
    name: str,
    length: int,
    n_sites: int,
    motifs: dict[str, Motif],
    settings: Difficulty,
    *,
    rng: np.random.Generator,
) -> dict:
    chromosome = build_chromosome(length, n_sites, motifs=motifs, difficulty=settings, rng=rng)
    matches = find_matches(chromosome.codes, motifs)
    matches["strength"] = strengths(matches, motifs)
    signal = draw_signal(
        chromosome.codes,
        matches,
        sites=chromosome.sites,
        empty=chromosome.empty,
        difficulty=settings,
        rng=rng,
    )
    cuts = signal.plus + signal.minus
    peaks = call_peaks(cuts, chromosome.sites)
    best = matches["motif"].map({motif.name: motif.best for motif in motifs.values()})
    return {
        "codes": chromosome.codes,
        "lower": chromosome.lower,
        "plus": signal.plus,
        "minus": signal.minus,
        "explained": signal.explained,
        "mask": contribution_mask(length, matches, {motif.name: motif.ppm for motif in motifs.values()}),
        "empty": int(chromosome.empty.sum()),
        "peaks": peaks.assign(chrom=name, enrichment=peaks["height"] / settings.base_rate),
        "instances": matches.assign(chrom=name, score=np.rint(_BEST_SCORE * matches["score"] / best).astype(int)),
    }


def _name_regions(instances: pd.DataFrame, peaks: pd.DataFrame) -> pd.DataFrame:
    """Add the name of the peak with the nearest summit, "." when that is further than `REACH` away."""
    named = []
    for chrom, group in instances.groupby("chrom", sort=False):
        here = peaks[peaks["chrom"] == chrom].sort_values("summit")
        region = np.full(len(group), ".", dtype=object)
        if len(here):
            summits = here["summit"].to_numpy()
            centres = ((group["start"] + group["end"]) // 2).to_numpy()
            nearest = _nearest(summits, centres)
            close = abs(summits[nearest] - centres) <= REACH
            region[close] = here["name"].to_numpy()[nearest[close]]
        named.append(group.assign(region=region))
    return pd.concat(named, ignore_index=True)


def _nearest(ordered: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return the index of the nearest of some ordered values for every position, int64 (n,)."""
    right = np.minimum(np.searchsorted(ordered, positions), len(ordered) - 1)
    left = np.maximum(right - 1, 0)
    return np.where(abs(ordered[right] - positions) < abs(ordered[left] - positions), right, left)


def _database(motifs: dict[str, Motif], unrelated: int, *, seed: int) -> dict[str, np.ndarray]:
    """Return the grammar's motifs and, after them, unrelated ones of several widths."""
    database = {motif.name: motif.ppm for motif in motifs.values()}
    for kind, (width, bits) in enumerate(_UNRELATED):
        n = unrelated // len(_UNRELATED) + (kind < unrelated % len(_UNRELATED))
        # The key ends in a number no chromosome has, so that the two never share random numbers.
        kind_seed = int(np.random.SeedSequence([seed, 2**31 + kind]).generate_state(1)[0])
        for ppm in random_ppms(n, width=width, information=bits, seed=kind_seed).values():
            database[f"unrelated_{len(database) - len(motifs) + 1}"] = ppm
    return database


def _ceiling(parts: dict[str, dict]) -> dict[str, float | None]:
    """Correlate log1p cuts with what the instances explain: about the best that a model can reach.

    Windows of 200 bp: at the summits, and at as many evenly spaced places more than 300 bp from any.
    """
    cuts, explained, at_peak = [], [], []
    for part in parts.values():
        summits = part["peaks"]["summit"].to_numpy()
        n = max(len(summits), 1)
        others = np.linspace(_WINDOW, len(part["codes"]) - _WINDOW - 1, 8 * n).astype(np.int64)
        if len(summits):
            others = others[abs(summits[_nearest(summits, others)] - others) > _APART]
        others = others[:: max(len(others) // n, 1)][:n]
        windows = np.concatenate([summits, others])[:, None] + np.arange(-_WINDOW // 2, _WINDOW // 2)
        cuts.append((part["plus"] + part["minus"])[windows].sum(axis=1))
        explained.append(np.log(np.exp2(part["explained"][windows]).sum(axis=1)))
        at_peak.append(np.arange(len(windows)) < len(summits))
    cuts, explained, at_peak = (np.concatenate(values) for values in (cuts, explained, at_peak))

    def correlation(rows: np.ndarray) -> float | None:
        values = (np.log1p(cuts[rows]), explained[rows])
        return float(np.corrcoef(*values)[0, 1]) if min(np.ptp(value) for value in values) > 0 else None

    return {
        "ceiling_pearson": correlation(np.ones(len(at_peak), dtype=bool)),
        "ceiling_pearson_peaks": correlation(at_peak),
        "median_cuts_peaks": float(np.median(cuts[at_peak])),
        "median_cuts_elsewhere": float(np.median(cuts[~at_peak])) if (~at_peak).any() else None,
    }
