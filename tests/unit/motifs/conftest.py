"""Each TF-MoDISco and Fi-NeMo run is made once per session."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from lucidna.motifs.again import discover_again, runs_of
from lucidna.motifs.maps import MapFile
from lucidna.motifs.run import annotate, discover

from .simulated import SCALE, WINDOW, N, Stage, simulate, write_database, write_maps, write_patterns

MEMBERS = ("learned", "blind", "few")


def make_members(folder):
    """Maps of three candidates: one has learned the motifs, one has not, one explains four regions."""
    (folder / "member_maps").mkdir()
    for i, name in enumerate(MEMBERS):
        path = folder / "member_maps" / f"{name}.attributions.h5"
        simulate(path, plant=name != "blind", seed=11 + i, n=4 if name == "few" else N)
    return folder / "member_maps"


@pytest.fixture(scope="session")
def settings():
    return {"seqlets": 2000, "window": WINDOW, "leiden": 2, "seed": 0, "threads": 1}


@pytest.fixture(scope="session")
def stage(tmp_path_factory, settings):
    """The whole stage on planted maps, with a null of noise (of another scale factor)."""
    folder = tmp_path_factory.mktemp("motifs")
    regions, truth, codes = simulate(folder / "real.h5", seed=1)
    simulate(folder / "null.h5", plant=False, seed=2, scale=SCALE / 2)
    write_database(folder / "database.meme")
    discover(folder / "real.h5", folder / "modisco.h5", **settings)
    discover(folder / "null.h5", folder / "null.modisco.h5", **settings)
    discover(folder / "real.h5", folder / "permuted.modisco.h5", permute=0, **settings)
    members = make_members(folder)
    discover_again(members, folder / "members", **{**settings, "seqlets": 500})
    discover_again(members / "few.attributions.h5", folder / "ism.modisco.h5", **settings)
    summary = annotate(
        folder / "real.h5",
        folder / "real.bed",
        folder / "modisco.h5",
        folder / "out",
        null_attributions=[folder / "null.h5"],
        null_modisco=[folder / "null.modisco.h5"],
        permuted_modisco=[folder / "permuted.modisco.h5"],
        runs=runs_of([folder / "members"], [folder / "ism.modisco.h5"], []),
        candidates={name: {"fold": f"fold{i > 0}", "seed": i, "family": "x"} for i, name in enumerate(MEMBERS)},
        database=folder / "database.meme",
    )
    return Stage(folder, regions, truth, codes, summary)


class Composites(NamedTuple):
    """Maps in which one motif has a pattern of its own, and another is shown only beside it."""

    maps: MapFile
    regions: pd.DataFrame
    placed: list[tuple[str, str, int]]
    modisco: str


FIRST, SECOND = "TATGCAAAT", "GAACAAAGGCTT"


@pytest.fixture(scope="session")
def composites(tmp_path_factory):
    """Forty maps of both motifs, forty of the second alone, forty of the first."""
    folder, rng = tmp_path_factory.mktemp("composites"), np.random.default_rng(0)
    both = f"{FIRST}NNNNNN{SECOND}"
    placed = [
        (text, "+-"[rng.integers(2)], int(rng.integers(10, 60))) for text in [both] * 40 + [SECOND] * 40 + [FIRST] * 40
    ]
    maps, regions = write_maps(folder / "real.h5", placed, length=100)
    write_patterns(folder / "modisco.h5", [FIRST, both], maps)
    return Composites(maps, regions, placed, folder / "modisco.h5")
