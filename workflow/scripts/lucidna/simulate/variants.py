"""Variants of the simulated genome: some break a motif instance, some a decoy's, some nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from lucidna.files import atomic_path

COLUMNS = ("id", "kind", "chrom", "position", "ref", "alt", "motif", "role", "strength")
"""Of truth/variants.tsv; strength is the effect, in log2, of the instance that is broken, 0 for none."""

N_OF_A_KIND = 100
CUT = 3
"""bp that a deletion takes out of the middle of an instance."""
_CLEAR = 20  # bp between a background variant and any instance
_REACH = 75  # bp from a summit within which background variants lie


def draw_variants(
    chromosomes: Mapping[str, np.ndarray],
    instances: pd.DataFrame,
    peaks: pd.DataFrame,
    ppms: Mapping[str, np.ndarray],
    roles: Mapping[str, str],
    *,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw up to `N_OF_A_KIND` variants of each of four kinds, at the peaks, no two at the same place.

    * breaks: an instance's most informative base becomes the rarest there.
    * deletes: the middle `CUT` bases of an instance are taken out.
    * decoy: as breaks, in an instance of a motif without an effect.
    * background: a base within 75 bp of a summit and at least 20 bp from any instance becomes another.

    Parameters
    ----------
    chromosomes : mapping
        Name -> codes uint8 (L,).
    instances : DataFrame
        chrom, start, end, motif, strand, region ("." for none), strength.
    peaks : DataFrame
        chrom, summit.
    ppms : mapping
        Motif -> base frequencies (4, w).
    roles : mapping
        Motif -> role; that of decoys is "decoy".

    Returns
    -------
    DataFrame
        `COLUMNS`, sorted by chromosome (in the order given) and position (1-based).
    """
    at_peaks = instances[instances["region"] != "."]
    decoys = at_peaks["motif"].map(roles) == "decoy"
    acting = at_peaks[~decoys & (at_peaks["strength"] != 0)]
    lines: list[tuple] = []
    half = min(N_OF_A_KIND, len(acting) // 2)
    chosen = acting.iloc[rng.permutation(len(acting))[: 2 * half]]
    for kind, group in (("breaks", chosen[:half]), ("deletes", chosen[half:])):
        lines += [_broken(kind, row, chromosomes, ppms, roles) for row in group.itertuples(index=False)]
    others = at_peaks[decoys]
    others = others.iloc[rng.permutation(len(others))[:N_OF_A_KIND]]
    lines += [_broken("decoy", row, chromosomes, ppms, roles) for row in others.itertuples(index=False)]
    lines += _background(chromosomes, instances, peaks, rng=rng)
    table = pd.DataFrame(lines, columns=COLUMNS[1:])
    table["order"] = table["chrom"].map({name: place for place, name in enumerate(chromosomes)})
    table = table.drop_duplicates(["chrom", "position"]).sort_values(["order", "position"], kind="stable")
    table = table.drop(columns="order").reset_index(drop=True)
    table.insert(0, "id", [f"{kind}_{number}" for number, kind in enumerate(table["kind"], start=1)])
    return table


def _broken(
    kind: str,
    row: tuple,
    chromosomes: Mapping[str, np.ndarray],
    ppms: Mapping[str, np.ndarray],
    roles: Mapping[str, str],
) -> tuple:
    """Return the line of a variant that breaks an instance."""
    codes = chromosomes[row.chrom]
    ppm = ppms[row.motif] if row.strand == "+" else ppms[row.motif][::-1, ::-1]
    strength = 0.0 if kind == "decoy" else row.strength
    if kind == "deletes":
        # A deletion is written with the base before it.
        start = (row.start + row.end - CUT) // 2 - 1
        ref = _letters(codes[start : start + CUT + 1])
        alt = ref[0]
    else:
        column = int(ppm.max(axis=0).argmax())
        start = row.start + column
        ref = _letters(codes[start : start + 1])
        worst = np.where(np.arange(4) == codes[start], np.inf, ppm[:, column]).argmin()
        alt = "ACGT"[worst]
    return kind, row.chrom, start + 1, ref, alt, row.motif, roles[row.motif], strength


def _background(
    chromosomes: Mapping[str, np.ndarray], instances: pd.DataFrame, peaks: pd.DataFrame, *, rng: np.random.Generator
) -> list[tuple]:
    places = []
    for chrom, codes in chromosomes.items():
        free = np.zeros(len(codes), dtype=bool)
        for summit in peaks.loc[peaks["chrom"] == chrom, "summit"]:
            free[max(summit - _REACH, 0) : summit + _REACH + 1] = True
        here = instances[instances["chrom"] == chrom]
        for start, end in zip(here["start"], here["end"], strict=True):
            free[max(start - _CLEAR, 0) : end + _CLEAR] = False
        places += [(chrom, position) for position in np.flatnonzero(free & (codes < 4))]
    chosen = rng.choice(len(places), size=min(N_OF_A_KIND, len(places)), replace=False) if places else []
    lines = []
    for index in np.sort(chosen):
        chrom, start = places[index]
        code = int(chromosomes[chrom][start])
        alt = "ACGT"[(code + int(rng.integers(1, 4))) % 4]
        lines.append(("background", chrom, int(start) + 1, "ACGT"[code], alt, ".", ".", 0.0))
    return lines


def write_vcf(path: str | os.PathLike, variants: pd.DataFrame, chromosomes: Mapping[str, int]) -> None:
    """Write variants as VCF 4.2 without samples.

    Parameters
    ----------
    path : path
    variants : DataFrame
        id, chrom, position, ref, alt; sorted.
    chromosomes : mapping
        Name -> length in bp.
    """
    head = ["##fileformat=VCFv4.2", *(f"##contig=<ID={name},length={size}>" for name, size in chromosomes.items())]
    head.append("\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]))
    rows = variants[["chrom", "position", "id", "ref", "alt"]].astype(str)
    body = ["\t".join([*row, ".", ".", "."]) for row in rows.itertuples(index=False)]
    with atomic_path(path) as temporary:
        Path(temporary).write_text("\n".join([*head, *body]) + "\n", encoding="utf-8")


def _letters(codes: np.ndarray) -> str:
    return "".join("ACGTN"[code] for code in codes)
