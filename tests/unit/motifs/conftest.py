"""Each TF-MoDISco and Fi-NeMo run is made once per session."""

import pytest

from lucidna.motifs.run import annotate, discover

from .simulated import SCALE, WINDOW, Stage, simulate, write_database


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
    summary = annotate(
        folder / "real.h5",
        folder / "real.bed",
        folder / "modisco.h5",
        folder / "out",
        null_attributions=[folder / "null.h5"],
        null_modisco=[folder / "null.modisco.h5"],
        database=folder / "database.meme",
    )
    return Stage(folder, regions, truth, codes, summary)
