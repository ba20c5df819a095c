import numpy as np
import pytest

from lucidna.errors import UserError
from lucidna.meme import read_meme
from lucidna.motifs.core import without_strays
from lucidna.motifs.patterns import (
    consensus,
    describe,
    read_discovery,
    reverse_complement_text,
    write_patterns_meme,
)
from lucidna.motifs.seqlets import seqlet_table
from lucidna.ppm import information

from .simulated import make_pattern


def test_trim_keeps_weak_columns_between_strong_ones():
    cwm = np.zeros((4, 10))
    cwm[0, 3], cwm[1, 5], cwm[2, 6], cwm[3, 1] = 1.0, 0.1, -0.3, 0.29
    ppm = np.full((4, 10), 0.25)
    assert without_strays(ppm, cwm) == (3, 7)
    assert without_strays(ppm, cwm, threshold=0.2) == (1, 7)


def test_what_stands_apart_without_a_sequence_is_no_part_of_the_core():
    ppm, cwm = np.full((4, 40), 0.25), np.zeros((4, 40))
    cwm[0, 20:28] = 1.0
    ppm[:, 20:28] = np.eye(4)[[0] * 8].T
    cwm[1, [2, 3, 33]] = 0.5
    assert without_strays(ppm, cwm) == (20, 28)
    # Beside the motif it stays, and so does the other half of a bipartite one, of 5.6 bits or more.
    cwm[1, 31] = 0.5
    assert without_strays(ppm, cwm) == (20, 34)
    ppm[:, 2:5], cwm[1, 4] = np.eye(4)[[1] * 3].T, 0.5
    assert without_strays(ppm, cwm) == (2, 34)
    # A pattern without any sequence is left as it is.
    assert without_strays(np.full((4, 40), 0.25), cwm) == (2, 34)


def test_information_in_bits():
    ppm = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4]).T
    np.testing.assert_allclose(information(ppm), [2, 1, 0])


def test_consensus_and_its_reverse_complement():
    columns = [[0.9, 0.1, 0, 0], [0.4, 0, 0.5, 0.1], [0.3, 0.3, 0.2, 0.2], [0, 0.45, 0, 0.55], [0, 0, 0, 1]]
    text = consensus(np.array(columns).T)
    assert text == "ARNYT"
    assert reverse_complement_text(text) == "ARNYT"[::-1].translate(str.maketrans("ATRY", "TAYR"))
    assert consensus(np.array(columns).T[::-1, ::-1]) == reverse_complement_text(text)


def test_contributions_are_in_units_of_the_model(stage):
    found = read_discovery(stage.folder / "modisco.h5")
    table = describe(found.patterns).set_index("pattern")
    # Motifs were planted with a contribution of 0.6 to 1.4 and stored eight times larger.
    assert table["mean_contribution"].between(0.9, 1.4).all()
    for pattern in found.patterns:
        np.testing.assert_allclose(pattern.ppm.sum(axis=0), 1)
        mean = pattern.cwm[:, pattern.core].sum()
        assert mean == pytest.approx(pattern.seqlets["contribution"].mean(), rel=1e-3)
        assert table.loc[pattern.name, "n_regions"] <= pattern.n_seqlets


def test_seqlets_lie_where_the_motif_was_planted(stage):
    found = read_discovery(stage.folder / "modisco.h5")
    table = seqlet_table(found.patterns, stage.regions)
    assert len(table) == sum(pattern.n_seqlets for pattern in found.patterns)
    place = stage.regions.iloc[stage.truth["row"]]
    truth = stage.truth.assign(
        chrom=place["chrom"].to_numpy(),
        core_start=stage.truth["start"] + place["start"].to_numpy(),
        region_id=place["region_id"].to_numpy(),
    )
    joined = table.merge(truth, on=["chrom", "core_start", "region_id"], suffixes=("", "_true"))
    assert len(joined) > 0.95 * len(table)
    # One pattern is one motif on one strand: read on the other strand, it is so in every seqlet.
    for _, group in joined.groupby("pattern"):
        assert group["motif"].nunique() == 1
        assert (group["strand"] == group["strand_true"]).mean() in (0.0, 1.0)


def test_seqlets_bed_is_valid(stage):
    lines = [line.split("\t") for line in (stage.folder / "out" / "seqlets.bed").read_text().splitlines()]
    assert {len(line) for line in lines} == {8}
    for line in lines:
        start, end, score, thick_start, thick_end = (int(line[i]) for i in (1, 2, 4, 6, 7))
        assert 0 <= start <= thick_start < thick_end <= end
        assert 0 <= score <= 1000
        assert line[5] in "+-"


def test_meme_holds_the_cores(tmp_path):
    patterns = [make_pattern("pos_patterns.pattern_0", "TTACCCG", n_seqlets=30)]
    write_patterns_meme(tmp_path / "p.meme", patterns)
    (motif,) = read_meme(tmp_path / "p.meme")
    assert consensus(motif.ppm) == "TTACCCG"
    write_patterns_meme(tmp_path / "none.meme", [])
    assert "MOTIF" not in (tmp_path / "none.meme").read_text()


def test_foreign_files_are_refused(tmp_path, stage):
    with pytest.raises(UserError, match="no file of patterns"):
        read_discovery(tmp_path / "absent.h5")
    with pytest.raises(UserError, match="how long its maps"):
        read_discovery(stage.folder / "real.h5")
