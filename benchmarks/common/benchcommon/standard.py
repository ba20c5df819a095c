"""The standard synthetic set with its motifs, on an even or a genome-like background."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lucidna.errors import UserError
from lucidna.meme import read_meme
from lucidna.simulate import random_ppms, standard_set
from lucidna.simulate.assay import redraw_background

Motifs = dict[str, np.ndarray]
Set = tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]


def draw_set(spec: Mapping, core: Motifs, pool: Motifs, *, seed: int) -> Set:
    """Draw codes (n, L), labels (n,), truth (n, 4, L) and the rows of the three splits.

    Parameters
    ----------
    spec
        n, length; optional gc, the range of the background's GC content, then with the dinucleotides of a genome.
    core, pool
        Motifs of the positives, and those that only negatives hold.
    seed
        10 * seed + 3 to + 5 are used.
    """
    codes, labels, truth, splits = standard_set(core, pool, n=spec["n"], length=spec["length"], seed=10 * seed + 3)
    if "gc" in spec:
        gc = np.random.default_rng(10 * seed + 4).uniform(*spec["gc"], size=len(codes))
        codes = redraw_background(codes, truth, gc=gc, seed=10 * seed + 5)
    return codes, labels, truth, splits


def generated_motifs(spec: Mapping, *, seed: int) -> tuple[Motifs, Motifs]:
    """Draw core and pool motifs, all of the same information.

    Parameters
    ----------
    spec
        core, pool (numbers of motifs), width (bp), bits (of each).
    seed
        10 * seed + 1 and + 2 are used.
    """
    shape = {"width": spec["width"], "information": spec["bits"]}
    core = random_ppms(spec["core"], **shape, seed=10 * seed + 1)
    pool = random_ppms(spec["pool"], **shape, seed=10 * seed + 2)
    return core, {f"pool_{name}": ppm for name, ppm in pool.items()}


def motifs_of_file(spec: Mapping, *, seed: int) -> tuple[Motifs, Motifs]:
    """Take core and pool motifs from a MEME file.

    Parameters
    ----------
    spec
        meme (path); core and pool: names (the first or second word of a MOTIF line), or how many to draw at random
        among the others.
    seed
        10 * seed + 1 is used.

    Raises
    ------
    UserError
        When a name is not in the file, or when it holds too few motifs.
    """
    motifs = read_meme(spec["meme"])
    rng = np.random.default_rng(10 * seed + 1)
    left = {motif.name: motif for motif in motifs}
    chosen = []
    for key in ("core", "pool"):
        if isinstance(spec[key], int):
            if spec[key] > len(left):
                raise UserError(f"{spec['meme']} has {len(left)} motifs left for a {key} of {spec[key]}: lower {key}")
            names = [str(name) for name in rng.permutation(sorted(left))[: spec[key]]]
        else:
            names = [_named(str(name), left, path=spec["meme"]) for name in spec[key]]
        chosen.append({name: left.pop(name).ppm for name in names})
    return chosen[0], chosen[1]


def _named(name: str, motifs: Mapping, *, path: str) -> str:
    found = [key for key, motif in motifs.items() if name in (motif.name, motif.alternative)]
    if len(found) != 1:
        raise UserError(f"{path} has {len(found)} motifs '{name}' that are not taken yet: name one")
    return found[0]
