import numpy as np
import pytest

from lucidna.meme import Motif, read_meme
from lucidna.motifs.match import COLUMNS, best_names, match

from .simulated import PLANTED, make_pattern, text_to_ppm


@pytest.fixture(scope="module")
def database(stage):
    return read_meme(stage.folder / "database.meme")


def test_planted_names_are_found_and_a_random_motif_is_not(database):
    rng = np.random.default_rng(11)
    patterns = [make_pattern(f"pos_patterns.pattern_{i}", t, n_seqlets=30) for i, t in enumerate(PLANTED.values())]
    random = "".join(rng.choice(list("ACGT"), 9))
    patterns.append(make_pattern("neg_patterns.pattern_0", random, n_seqlets=30))
    table = match(patterns, database)
    assert best_names(table) == {f"pos_patterns.pattern_{i}": name for i, name in enumerate(PLANTED)}
    best = table[table["rank"] == 1].set_index("pattern")
    assert (best["q_value"] < 1e-3).all()
    assert best["strand"].tolist() == ["+", "-", "+"]
    assert (table["q_value"] <= 0.1).all()
    assert (table["q_value"] >= table["p_value"]).all()


def test_no_more_than_asked(database):
    copies = [Motif(f"copy{i}", "", text_to_ppm("TTACCCGGA")) for i in range(6)]
    pattern = make_pattern("pos_patterns.pattern_0", "TTACCCGGA", n_seqlets=30)
    table = match([pattern], [*database, *copies])
    assert table["rank"].tolist() == [1, 2, 3]
    assert len(match([pattern], [*database, *copies], top=5)) == 5


def test_a_q_value_of_one_is_never_a_match(database, monkeypatch):
    pattern = make_pattern("pos_patterns.pattern_0", "TTACCCGGA", n_seqlets=30)
    p_values = np.ones((1, len(database)))
    p_values[0, 3] = 1e-4
    whole = np.ones_like(p_values)
    monkeypatch.setattr("memelite.tomtom", lambda *args, **kwargs: (p_values, whole, whole, 7 * whole, 0 * whole))
    table = match([pattern], database, top=len(database), q_cut=1.0)
    assert table["motif"].tolist() == [database[3].name]


def test_nothing_to_compare(database):
    for table in (
        match([], database),
        match([make_pattern("pos_patterns.pattern_0", "TTACCCG", n_seqlets=3)], []),
    ):
        assert list(table.columns) == COLUMNS
        assert table.empty
    assert best_names(table) == {}


def test_real_database(shared_data):
    fungi = read_meme(shared_data / "motifs" / "JASPAR2022_CORE_fungi_non-redundant_pfms_meme.txt")
    patterns = [make_pattern("pos_patterns.pattern_0", "TTACCCGG", n_seqlets=30)]
    patterns.append(make_pattern("pos_patterns.pattern_1", "GTCACGTG", n_seqlets=30))
    names = best_names(match(patterns, fungi))
    assert names["pos_patterns.pattern_0"] in ("REB1", "NSI1")
    assert names["pos_patterns.pattern_1"] in ("CBF1", "TYE7", "PHO4")


def test_a_motif_of_even_bases_is_no_match(database, monkeypatch):
    pattern = make_pattern("pos_patterns.pattern_0", "TTACCCGGA", n_seqlets=30)
    motifs = [*database, Motif("flat", "", np.full((4, 8), 0.25)), Motif("same", "", text_to_ppm("TTACCCGGA"))]
    p_values = np.ones((1, len(motifs)))
    p_values[0, -2:] = 1e-6, 1e-5
    none = np.zeros_like(p_values)
    monkeypatch.setattr("memelite.tomtom", lambda *_, **__: (p_values, none, none, none, none))
    assert match([pattern], motifs, top=1)["motif"].tolist() == ["same"]
