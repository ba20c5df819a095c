"""Simulated maps with planted motifs, and patterns written down by hand."""

import json
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pandas as pd

from lucidna.meme import write_meme
from lucidna.motifs.core import without_strays
from lucidna.motifs.maps import open_maps, read_regions
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
    start, end = without_strays(ppm, cwm)
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


def write_maps(path, placed, *, length):
    """Write maps of noise with one planted motif each, (word, strand, start); return them opened, with regions.

    Letters N of a word are left as they are, and contribute nothing but noise.
    """
    rng = np.random.default_rng(9)
    codes, maps = rng.integers(0, 4, (len(placed), length)), rng.normal(0, 0.02, (len(placed), 4, length))
    for row, (text, strand, start) in enumerate(placed):
        at = np.array([place for place, letter in enumerate(text) if letter != "N"], dtype=int)
        word = np.array(["ACGT".index(text[place]) for place in at], dtype=int)
        columns = start + at if strand == "+" else start + len(text) - 1 - at
        codes[row, columns] = word if strand == "+" else 3 - word
        maps[row, codes[row, columns], columns] += 1 / max(len(at), 9) * (1 + (len(at) > 12))
    regions = pd.DataFrame({"chrom": "chr1", "start": 1000 * np.arange(1, len(placed) + 1)})
    regions["end"] = regions["start"] + length
    regions["region_id"] = [f"r{row}" for row in range(len(placed))]
    with h5py.File(path, "w") as handle:
        handle["raw/seq"] = np.eye(4, dtype=np.int8)[codes].transpose(0, 2, 1)
        handle["shap/seq"] = (maps * SCALE).astype(np.float16)
        handle.create_dataset("region_id", data=regions["region_id"].to_numpy(), dtype=h5py.string_dtype())
        handle.attrs["map_scale"] = SCALE
    lines = regions.assign(score=0, strand=".", signal=0, p=-1, q=-1, summit=length // 2)
    lines.to_csv(path.with_suffix(".bed"), sep="\t", header=False, index=False)
    maps = open_maps(path)
    return maps, read_regions(path.with_suffix(".bed"), maps)


def write_patterns(path, texts, maps, *, width=40, n_seqlets=100):
    """Write a run's positive patterns, N for columns without a base, as `read_discovery` and Fi-NeMo read it."""
    facts = {"n_regions": maps.n_regions, "map_length": maps.length, "map_scale": maps.scale, "notices": json.dumps([])}
    facts |= {"window_size": maps.length, "n_patterns": len(texts), "pos_patterns": len(texts), "neg_patterns": 0}
    for sign, number in (("pos", 500), ("neg", 0)):
        facts |= {f"{sign}_seqlets_{kind}": number for kind in ("seen", "used")} | {f"{sign}_seqlet_strength": 0.01}
    with h5py.File(path, "w") as handle:
        handle.attrs.update(facts)
        for number, text in enumerate(texts):
            ppm, cwm = np.full((4, width), 0.25), np.zeros((4, width))
            at = [(base, column) for column, letter in enumerate(text, start=5) if (base := "ACGTN".index(letter)) < 4]
            for base, column in at:
                ppm[:, column] = np.where(np.arange(4) == base, 1.0, 0.0)
                cwm[base, column] = 0.1 * maps.scale
            group = handle.create_group(f"pos_patterns/pattern_{number}")
            for name, matrix in (("sequence", ppm), ("contrib_scores", cwm), ("hypothetical_contribs", cwm)):
                group[name] = matrix.T
            begin = np.arange(n_seqlets) % (maps.length - width)
            group["seqlets/n_seqlets"] = np.array([n_seqlets])
            group["seqlets/example_idx"] = np.arange(n_seqlets) % maps.n_regions
            group["seqlets/start"], group["seqlets/end"] = begin, begin + width
            group["seqlets/is_revcomp"] = np.zeros(n_seqlets, dtype=bool)
            group["seqlets/contrib_scores"] = np.repeat(cwm.T[None], n_seqlets, axis=0)
