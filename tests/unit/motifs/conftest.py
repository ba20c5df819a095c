"""Each TF-MoDISco and Fi-NeMo run is made once per session."""

import pytest

from lucidna.motifs.again import discover_again, runs_of
from lucidna.motifs.run import annotate, discover

from .simulated import SCALE, WINDOW, N, Stage, simulate, write_database

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
