"""The regulatory grammar of the simulated genome: its motifs, their effects, and how hard it is.

Consensus strings are well-known facts about the named factors; the PPMs are made from them with a stated
information, so that nothing is copied from a database. Effects are log2 changes of the rate of cuts.

* activator: adds its effect wherever it matches.
* pair: two motifs that add `PAIR_EFFECT` together, half each, when both lie on one strand and the second
  starts `PAIR_SPACING` bp after the first, give or take `PAIR_SLACK`; each adds `PAIR_ALONE` otherwise.
* repressor: takes its effect away; found everywhere, somewhat more often in accessible sites.
* decoy: as frequent in accessible sites as anywhere else, without any effect.

The strength of one instance is its motif's effect times its affinity, the instance's score over the best
possible score of that motif. A match counts when it scores within `SLACK_BITS` of the information of its
motif (the mean score of instances drawn from the PPM), so that an even background makes at most
2**(1 + SLACK_BITS - information) matches per bp by chance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lucidna.errors import UserError, nearest
from lucidna.ppm import reverse_complement_ppm
from lucidna.simulate.ppm import consensus_ppm, log_odds, score_windows

PAIR_EFFECT = 3.2
PAIR_ALONE = 0.3
PAIR_SPACING = 16
PAIR_SLACK = 2
SLACK_BITS = 2.0

_TABLE = (
    # name, consensus, role, effect (log2)
    ("CTCF", "CCACCAGGGGGCGC", "activator", 2.5),
    ("REB1", "TTACCCGGAA", "activator", 2.1),
    ("AP1", "GATGACTCATC", "activator", 1.8),
    ("GATA", "ACAGATAAGG", "activator", 1.5),
    ("EBOX", "GGTCACGTGA", "activator", 1.2),
    ("OCT", "TATTTGCATA", "pair", PAIR_EFFECT / 2),
    ("SOX", "CCTTTGTTCT", "pair", PAIR_EFFECT / 2),
    ("REST", "TTCAGCACCA", "repressor", -2.0),
    ("NFY", "AGCCAATCAG", "decoy", 0.0),
    ("YY1", "AAGATGGCGG", "decoy", 0.0),
)


@dataclass(frozen=True)
class Motif:
    """One motif of the grammar.

    Attributes
    ----------
    name, consensus, role : str
        Role is activator, pair, repressor or decoy.
    effect : float
        log2 change of the rate by an instance of full affinity (of a pair's member: in a complete pair).
    effect_alone : float
        The same for a pair's member without its partner; equal to `effect` for all others.
    ppm : float64 (4, w)
    threshold, best : float
        Bits that a match must score, and that the best one scores.
    """

    name: str
    consensus: str
    role: str
    effect: float
    effect_alone: float
    ppm: np.ndarray
    threshold: float
    best: float

    @property
    def width(self) -> int:
        """Columns of the PPM."""
        return self.ppm.shape[1]


@dataclass(frozen=True)
class Difficulty:
    """How much of the signal the grammar explains.

    Attributes
    ----------
    effect : float
        Factor on every effect.
    sharpness : float
        Information of the motifs as a share of the largest possible, 2 bits per column.
    noise : float
        Standard deviation, in log2, of the smooth variation that no motif explains.
    empty : float
        Share of accessible sites without any motif.
    base_rate : float
        Cuts per bp where nothing acts.
    """

    effect: float
    sharpness: float
    noise: float
    empty: float
    base_rate: float


DIFFICULTIES = {
    "easy": Difficulty(effect=1.2, sharpness=0.9, noise=0.6, empty=0.02, base_rate=0.03),
    "standard": Difficulty(effect=1.0, sharpness=0.8, noise=0.8, empty=0.05, base_rate=0.03),
    "hard": Difficulty(effect=0.85, sharpness=0.75, noise=1.1, empty=0.1, base_rate=0.02),
}


def difficulty_of(name: str) -> Difficulty:
    """Return the settings of a difficulty; UserError when there is none of that name."""
    if name not in DIFFICULTIES:
        guess = nearest(name, DIFFICULTIES)
        hint = f"did you mean '{guess}'?" if guess else "choose one of " + ", ".join(DIFFICULTIES)
        raise UserError(f"config key 'simulate.difficulty' is '{name}', which is not a difficulty: {hint}")
    return DIFFICULTIES[name]


def build_motifs(difficulty: Difficulty) -> dict[str, Motif]:
    """Make the motifs of the grammar, by name."""
    motifs = {}
    for name, consensus, role, effect in _TABLE:
        bits = difficulty.sharpness * 2 * len(consensus)
        ppm = consensus_ppm(consensus, bits=bits)
        motif = Motif(
            name=name,
            consensus=consensus,
            role=role,
            effect=effect * difficulty.effect,
            effect_alone=effect * difficulty.effect,
            ppm=ppm,
            threshold=bits - SLACK_BITS,
            best=float(log_odds(ppm).max(axis=1).sum()),
        )
        if role == "pair":
            motif = replace(motif, effect_alone=PAIR_ALONE * difficulty.effect)
        motifs[name] = motif
    return motifs


def find_matches(codes: np.ndarray, motifs: dict[str, Motif]) -> pd.DataFrame:
    """Find every match on both strands; of overlapping matches of one motif only the best stays.

    Parameters
    ----------
    codes : uint8 (L,)
    motifs : dict[str, Motif]

    Returns
    -------
    DataFrame
        start, end, motif, score (bits), strand, role; sorted by start, then motif.
    """
    found = []
    for motif in motifs.values():
        starts, scores, strands = [], [], []
        for strand, ppm in (("+", motif.ppm), ("-", reverse_complement_ppm(motif.ppm))):
            all_scores = score_windows(codes, ppm)
            hits = np.flatnonzero(all_scores >= motif.threshold)
            starts.append(hits)
            scores.append(all_scores[hits])
            strands.append(np.full(len(hits), strand))
        frame = pd.DataFrame({"start": np.concatenate(starts), "score": np.concatenate(scores)})
        frame["strand"] = np.concatenate(strands)
        frame = frame.sort_values(["start", "strand"], kind="stable", ignore_index=True)
        cluster = (frame["start"].diff() >= motif.width).cumsum()
        best = frame.sort_values("score", ascending=False, kind="stable").groupby(cluster).head(1)
        found.append(best.assign(end=best["start"] + motif.width, motif=motif.name, role=motif.role))
    matches = pd.concat(found).sort_values(["start", "motif"], kind="stable", ignore_index=True)
    return matches[["start", "end", "motif", "score", "strand", "role"]]


def strengths(matches: pd.DataFrame, motifs: dict[str, Motif]) -> np.ndarray:
    """Return the log2 effect of every match of one chromosome, the partners of pairs considered.

    Parameters
    ----------
    matches : DataFrame
        What `find_matches` returns.
    motifs : dict[str, Motif]

    Returns
    -------
    float64 (n,)
    """
    names = matches["motif"]
    affinity = matches["score"].to_numpy(np.float64) / names.map({m.name: m.best for m in motifs.values()})
    full = names.map({m.name: m.effect for m in motifs.values()})
    alone = names.map({m.name: m.effect_alone for m in motifs.values()})
    return np.where(paired(matches, motifs), full, alone) * affinity.to_numpy(np.float64)


def paired(matches: pd.DataFrame, motifs: dict[str, Motif]) -> np.ndarray:
    """Say for every match whether it is in a complete pair (strand, order and spacing), bool (n,)."""
    first, second = (motif.name for motif in motifs.values() if motif.role == "pair")
    complete = np.zeros(len(matches), dtype=bool)
    for strand, sign, edge in (("+", 1, "start"), ("-", -1, "end")):
        # A site begins at its left end on the forward strand, at its right end on the reverse strand.
        begins = matches[edge].to_numpy() * sign
        here = (matches["strand"] == strand).to_numpy()
        a = np.flatnonzero(here & (matches["motif"] == first).to_numpy())
        b = np.flatnonzero(here & (matches["motif"] == second).to_numpy())
        for spacing in range(PAIR_SPACING - PAIR_SLACK, PAIR_SPACING + PAIR_SLACK + 1):
            complete[a[np.isin(begins[a] + spacing, begins[b])]] = True
            complete[b[np.isin(begins[b] - spacing, begins[a])]] = True
    return complete


def describe(motifs: dict[str, Motif]) -> list[dict]:
    """Return the motifs as plain values for JSON; `ppm` is (4, w), rows A C G T."""
    names = [motif.name for motif in motifs.values() if motif.role == "pair"]
    described = []
    for motif in motifs.values():
        entry = {
            "name": motif.name,
            "consensus": motif.consensus,
            "role": motif.role,
            "effect_log2": motif.effect,
            "effect_alone_log2": motif.effect_alone,
            "threshold_bits": motif.threshold,
            "ppm": motif.ppm.round(6).tolist(),
            "partner": None,
            "spacing": None,
        }
        if motif.role == "pair":
            entry["partner"] = names[1 - names.index(motif.name)]
            entry["spacing"] = {
                "start_to_start": PAIR_SPACING,
                "slack": PAIR_SLACK,
                "first": names[0],
                "same_strand": True,
            }
        described.append(entry)
    return described
