"""Maps with their sign changed give the same motifs and hits, as negative ones, and the error rate holds for both."""

import h5py
import pandas as pd
import pytest

from lucidna.files import read_tsv
from lucidna.motifs.patterns import reverse_complement_text
from lucidna.motifs.run import annotate, discover


@pytest.fixture(scope="module")
def outputs(stage, tmp_path_factory, settings):
    """Sign -> folder of tables, of the stage's maps (one null, nothing else) and of the same times -1."""
    folder = tmp_path_factory.mktemp("signs")
    for name in ("real", "null"):
        (folder / f"{name}.h5").write_bytes((stage.folder / f"{name}.h5").read_bytes())
        with h5py.File(folder / f"{name}.h5", "r+") as file:
            for maps in ("shap/seq", "projected_shap/seq"):
                file[maps][:] = -file[maps][:]
        discover(folder / f"{name}.h5", folder / f"{name}.modisco.h5", **settings)
    found = {}
    for sign, of in (("pos", stage.folder), ("neg", folder)):
        found[sign] = folder / sign
        annotate(
            of / "real.h5",
            stage.folder / "real.bed",
            of / ("modisco.h5" if sign == "pos" else "real.modisco.h5"),
            found[sign],
            null_attributions=[of / "null.h5"],
            null_modisco=[of / "null.modisco.h5"],
        )
    return found


def spelled(consensus: pd.Series) -> set[str]:
    return {min(text, reverse_complement_text(text)) for text in consensus}


def test_patterns_are_the_same_motifs_and_negative(outputs):
    positive, negative = (read_tsv(outputs[sign] / "patterns.tsv") for sign in ("pos", "neg"))
    assert len(positive) == len(negative) == 3
    assert spelled(positive["consensus"]) == spelled(negative["consensus"])
    for sign, table, times in (("pos", positive, 1), ("neg", negative, -1)):
        assert table["pattern"].str.startswith(f"{sign}_patterns").all()
        assert (times * table["mean_contribution"] > 0.5).all()
        assert table["label"].str.startswith("supported").all()
        assert (table["q_value"] == 1 / 3).all()  # one draw, three patterns
    # Which seqlets are clustered depends on their order, so the sizes are alike, not the same.
    assert negative["n_seqlets"].sum() > 0.8 * positive["n_seqlets"].sum()


def test_hits_are_the_same_places_and_as_rarely_false(stage, outputs):
    start = stage.regions["start"].to_numpy()[stage.truth["row"]]
    truth = set(zip(stage.truth["row"], start + stage.truth["start"], strict=True))
    called = {}
    for sign, times in (("pos", 1), ("neg", -1)):
        hits = read_tsv(outputs[sign] / "hits.tsv")
        assert (times * hits["contribution"] > 0).mean() > 0.99
        hits = hits[(hits["q_value"] <= 0.1) & (hits["best"] == 1)]
        called[sign] = set(zip(hits["peak_id"], hits["start"], strict=True))
        assert len((outputs[sign] / "hits.bed").read_text().splitlines()) == len(hits)
        false = len(called[sign] - truth) / len(called[sign])
        assert false <= 0.1, (sign, false)
        assert len(called[sign] & truth) > 0.9 * len(truth)
    assert len(called["pos"] & called["neg"]) > 0.95 * len(called["pos"] | called["neg"])
