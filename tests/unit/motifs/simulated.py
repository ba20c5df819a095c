"""Simulated maps with planted motifs, and patterns written down by hand."""

from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pandas as pd

from lucidna.meme import write_meme
from lucidna.motifs.core import trim_core
from lucidna.motifs.patterns import Discovery, Pattern

N, LENGTH, WINDOW = 400, 200, 160
SCALE = 8.0
PLANTED = {"alpha": "TTACCCGGA", "beta": "CACGTGACA", "gamma": "GGGCGATTA"}


class Stage(NamedTuple):
    folder: Path
    regions: pd.DataFrame
    truth: pd.DataFrame
    codes: np.ndarray
    summary: dict


def text_to_ppm(text, high=0.97):
    ppm = np.full((4, len(text)), (1 - high) / 3)
    ppm[["ACGT".index(base) for base in text], range(len(text))] = high
    return ppm


def spell(codes):
    return "".join("ACGT"[code] for code in codes)


def simulate(path, *, plant=True, seed, n=N, length=LENGTH, noise=0.02, scale=SCALE):
    """Write an attribution file and its regions: noise, and where planted motifs of contribution about 1."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, length))
    maps = rng.normal(0, noise, (n, 4, length))
    truth = []
    slot = (length - 60) // len(PLANTED)
    for row in range(n if plant else 0):
        for place, (name, text) in enumerate(PLANTED.items()):
            if rng.random() < 0.4:
                continue
            start = 30 + place * slot + rng.integers(0, slot - len(text))
            word = np.array(["ACGT".index(base) for base in text])
            strand = rng.choice(["+", "-"])
            word = word if strand == "+" else 3 - word[::-1]
            span = slice(start, start + len(text))
            codes[row, span] = word
            amplitude = rng.uniform(0.6, 1.4) / len(text)
            maps[row, :, span] -= amplitude / 3
            maps[row, word, np.arange(start, start + len(text))] += amplitude * 4 / 3
            truth.append((row, name, start, start + len(text), strand))
    maps -= maps.mean(axis=1, keepdims=True)
    one_hot = np.eye(4, dtype=np.int8)[codes].transpose(0, 2, 1)
    window_start = 1000 + 137 * np.arange(n) * (1 + np.arange(n) % 2)
    regions = pd.DataFrame({"chrom": np.where(np.arange(n) < n // 2, "chr2", "NA"), "start": window_start})
    regions["end"] = regions["start"] + length
    regions["region_id"] = [f"peak_{row + 1}" for row in range(n)]
    with h5py.File(path, "w") as handle:
        handle["raw/seq"] = one_hot
        handle["shap/seq"] = (maps * scale).astype(np.float16)
        handle["projected_shap/seq"] = (maps * one_hot * scale).astype(np.float16)
        handle.create_dataset("region_id", data=regions["region_id"].to_numpy(), dtype=h5py.string_dtype())
        handle.attrs["map_scale"] = scale
    lines = regions.assign(score=0, strand=".", signal=0, p=-1, q=-1, summit=length // 2)
    lines.to_csv(path.with_suffix(".bed"), sep="\t", header=False, index=False)
    return regions, pd.DataFrame(truth, columns=["row", "motif", "start", "end", "strand"]), codes


def write_database(path):
    rng = np.random.default_rng(3)
    names, ppms = [f"MA{i:04d}.1 random{i}" for i in range(30)], []
    for _ in names:
        ppms.append(rng.dirichlet([0.3] * 4, size=rng.integers(8, 12)).T)
    for i, (name, text) in enumerate(PLANTED.items()):
        names[7 * i], ppms[7 * i] = f"MA{i:04d}.9 {name}", text_to_ppm(text)
    # One database motif is on the other strand of what was planted.
    ppms[7] = ppms[7][::-1, ::-1]
    write_meme(path, names, ppms, sites=[100] * len(names))


def make_pattern(name, text, *, n_seqlets, strength=1.0):
    """A pattern whose core spells `text`, each base contributing `strength`."""
    ppm = np.pad(text_to_ppm(text), ((0, 0), (3, 3)), constant_values=0.25)
    cwm = np.pad((text_to_ppm(text, high=1.0)) * strength, ((0, 0), (3, 3)))
    cwm *= -1 if name.startswith("neg") else 1
    start, end = trim_core(cwm)
    seqlets = pd.DataFrame(
        {
            "row": np.arange(n_seqlets),
            "start": 10,
            "end": 10 + cwm.shape[1],
            "strand": "+",
            "contribution": np.full(n_seqlets, cwm.sum()),
        }
    )
    return Pattern(name, name[:3], ppm, cwm, cwm, seqlets, start, end)


def make_discovery(patterns, *, n_regions=100, seen=500, used=500, strength=0.5):
    facts = {"n_regions": n_regions, "notices": []}
    for sign in ("pos", "neg"):
        facts |= {
            f"{sign}_seqlets_seen": seen,
            f"{sign}_seqlets_used": used,
            f"{sign}_seqlet_strength": strength,
        }
    return Discovery(patterns=list(patterns), facts=facts)
