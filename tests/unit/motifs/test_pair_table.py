"""Pairs of the simulated grammar, by its true instances and its own rule."""

import numpy as np
import pandas as pd
import pytest

from lucidna.motifs.effect_tables import EffectSettings
from lucidna.motifs.pair_table import PAIRS_COLUMNS, pairs_table
from lucidna.ppm import reverse_complement_ppm
from lucidna.simulate.genome import build_chromosome
from lucidna.simulate.grammar import PAIR_SLACK, PAIR_SPACING, build_motifs, difficulty_of, find_matches
from lucidna.simulate.ppm import log_odds

WINDOW = 200


def oracle(motifs, times=1):
    """The log2 effects of all matches of a sequence, summed, as a perfect network has them; `times` is 1 or -1."""
    first, second = (motif for motif in motifs.values() if motif.role == "pair")

    def scores(codes, motif, reverse):
        table = log_odds(reverse_complement_ppm(motif.ppm) if reverse else motif.ppm)
        windows = np.lib.stride_tricks.sliding_window_view(codes, motif.width, axis=1)
        found = sum(table[column, windows[:, :, column]] for column in range(motif.width))
        return np.where(found >= motif.threshold, found / motif.best, 0.0)

    def predict(variants, sequences):
        codes = variants.reshape(-1, variants.shape[2])
        total = np.zeros(len(codes))
        for reverse in (False, True):
            found = {motif.name: scores(codes, motif, reverse) for motif in motifs.values()}
            for motif in motifs.values():
                total += motif.effect_alone * found[motif.name].sum(axis=1)
            a, b = found[first.name], found[second.name]
            near = range(PAIR_SPACING - PAIR_SLACK, PAIR_SPACING + PAIR_SLACK + 1)
            for one, other, motif, sign in ((a, b, first, 1), (b, a, second, -1)):
                partner = np.zeros(one.shape, dtype=bool)
                for spacing in near:
                    shift = sign * (-spacing if reverse else spacing)
                    source = np.arange(one.shape[1]) + shift
                    valid = (source >= 0) & (source < one.shape[1])
                    partner[:, valid] |= other[:, source[valid]] > 0
                total += (motif.effect - motif.effect_alone) * (one * partner).sum(axis=1)
        return times * total.reshape(1, *variants.shape[:2])

    return predict


@pytest.fixture(scope="module")
def genome():
    difficulty = difficulty_of("standard")
    motifs = build_motifs(difficulty)
    chromosome = build_chromosome(300_000, 600, motifs=motifs, difficulty=difficulty, rng=np.random.default_rng(7))
    matches = find_matches(chromosome.codes, motifs)
    left = chromosome.sites - WINDOW // 2
    sequences = chromosome.codes[left[:, None] + np.arange(WINDOW)]
    sequences = np.where(sequences > 3, 0, sequences).astype(np.uint8)
    row = np.searchsorted(left, matches["start"].to_numpy(), side="right") - 1
    placed = pd.DataFrame(
        {
            "row": row,
            "start": matches["start"] - left[row],
            "end": matches["end"] - left[row],
            "strand": matches["strand"],
            "pattern": matches["motif"],
        }
    )
    placed = placed[(row >= 0) & (placed["end"] <= WINDOW)]
    return motifs, sequences, placed


def pairs_by(predict, genome, names):
    """The table of the pairs of some motifs, and its notices."""
    _, sequences, placed = genome
    notices = []
    settings = EffectSettings(draws=3, max_pairs=40)
    return pairs_table(predict, sequences, placed, list(names), settings, notices, fdr=0.05, seed=0), notices


@pytest.fixture(scope="module")
def table(genome):
    motifs = genome[0]
    found, notices = pairs_by(oracle(motifs), genome, motifs)
    assert notices == []
    return found, motifs


def test_the_planted_pair_and_its_spacing_are_found_and_nothing_else(table):
    found, motifs = table
    assert list(found.columns) == PAIRS_COLUMNS
    assert len(found) == len(motifs) * (len(motifs) - 1) // 2
    planted = found[(found["element_a"] == "OCT") & (found["element_b"] == "SOX")].iloc[0]
    assert (planted["distance"], planted["strands"]) == (PAIR_SPACING, "same")
    assert planted["at_distance"] > 5 * planted["expected_at_distance"]
    assert planted["evidence"] == "spacing, more than expected"
    others = found.drop(index=planted.name)
    # Of a pair with a spacing four times as many instances are looked at.
    assert planted["ablated"] == 160
    assert others["ablated"].max() == 40
    assert not others["evidence"].str.contains("spacing").any()
    assert not others["evidence"].str.contains("more than").any()
    assert planted["spacing_q"] < 0.05 < others["spacing_q"].min()


def test_the_interaction_is_that_of_the_grammar(table):
    found, motifs = table
    planted = found[(found["element_a"] == "OCT") & (found["element_b"] == "SOX")].iloc[0]
    full = sum(motifs[name].effect - motifs[name].effect_alone for name in ("OCT", "SOX"))
    assert 0.7 * full < planted["at_distance_interaction"] <= full
    assert abs(planted["elsewhere_interaction"]) < 0.3 * full
    decoys = found[found["element_a"].isin(["NFY", "YY1"]) | found["element_b"].isin(["NFY", "YY1"])]
    assert len(decoys) == 17
    assert decoys["interaction"].abs().max() < 0.1 * full


def test_a_pair_that_represses_together_is_a_pair(genome):
    motifs = genome[0]
    names = ("CTCF", "AP1", "OCT", "SOX")
    for times in (1, -1):
        found, _ = pairs_by(oracle(motifs, times), genome, names)
        planted = (found["element_a"] == "OCT") & (found["element_b"] == "SOX")
        assert found.loc[planted, "evidence"].tolist() == ["spacing, more than expected"]
        assert not found.loc[~planted, "evidence"].str.contains("more than").any()


def test_what_two_instances_do_anyway_is_not_known_of_few_pairs(genome):
    motifs = genome[0]
    found, notices = pairs_by(oracle(motifs), genome, ("AP1", "OCT", "SOX"))
    assert found["interaction"].notna().all()
    assert found[["interaction_expected", "interaction_p", "interaction_q"]].isna().all(axis=None)
    assert found["evidence"].tolist() == ["", "", "spacing"]
    # Whether a pair adds up is tested all the same.
    assert (found["additivity_q"] < 0.001).tolist() == [False, False, True]
    assert found["additivity_p"].notna().all()
    assert notices == [
        "whether 3 of 3 pairs do more than any two is not tested: fewer than three other pairs show what any two "
        "instances do beyond the sum"
    ]


def test_too_few_pairs_to_ablate_are_told(genome):
    motifs, sequences, placed = genome
    for most, told in ((0, []), (9, ["motifs.effects.max_pairs is 9: no pair is ablated, for fewer than 10 "])):
        notices = []
        settings = EffectSettings(draws=3, max_pairs=most)
        found = pairs_table(oracle(motifs), sequences, placed, ["OCT", "SOX"], settings, notices, fdr=0.05, seed=0)
        assert found["ablated"].tolist() == [0]
        assert found["evidence"].tolist() == ["spacing"]
        assert [notice[: len(start)] for notice, start in zip(notices, told, strict=True)] == told


def test_one_spacing_among_many_pairs_can_be_called(genome):
    """Twelve patterns are 66 pairs: after 999 rearrangements q could not be below .066."""
    motifs, sequences, _ = genome
    rng = np.random.default_rng(0)
    names = [f"x{i}" for i in range(12)]
    tables = []
    for i, name in enumerate(names):
        rows = rng.permutation(400)[:150]
        start = rng.integers(10 * i, 10 * i + 8, size=len(rows))
        tables.append(pd.DataFrame({"row": rows, "start": start, "end": start + 2, "strand": "+", "pattern": name}))
    tables[11] = tables[0].assign(pattern="x11", start=tables[0]["start"] + 60, end=tables[0]["start"] + 62)
    table = pd.concat(tables, ignore_index=True)
    settings = EffectSettings(draws=1, max_pairs=0)
    found = pairs_table(oracle(motifs), sequences[:400], table, names, settings, [], fdr=0.05, seed=0)
    assert len(found) == 66
    called = found[found["evidence"] == "spacing"]
    assert called[["element_a", "element_b", "distance"]].to_numpy().tolist() == [["x0", "x11", 60.0]]
    assert called["spacing_p"].iloc[0] == pytest.approx(1 / (1 + 2 * 66 / 0.05))


def test_hits_in_overlapping_windows_are_one_pair(genome):
    motifs, sequences, placed = genome
    # Every window once more: the same loci.
    twice = pd.concat([placed.assign(row=placed["row"] + k * len(sequences)) for k in (0, 1)], ignore_index=True)
    twice["locus"] = np.tile(placed["row"] * 1000 + placed["start"], 2)
    once = placed.assign(locus=placed["row"] * 1000 + placed["start"])
    names = ["CTCF", "OCT", "SOX"]
    settings = EffectSettings(draws=1, max_pairs=10)
    arguments = {"fdr": 0.05, "seed": 0}
    single = pairs_table(oracle(motifs), sequences, once, names, settings, [], **arguments)
    arguments["separate"] = np.arange(2 * len(sequences)) < len(sequences)
    double = pairs_table(oracle(motifs), np.tile(sequences, (2, 1)), twice, names, settings, [], **arguments)
    counted = [name for name in PAIRS_COLUMNS if "interaction" not in name and name not in ("ablated", "evidence")]
    pd.testing.assert_frame_equal(single[counted], double[counted])


def test_a_motif_that_only_composites_show_is_not_tested_for_being_with_the_other(genome):
    motifs, sequences, placed = genome
    arguments = {"fdr": 0.05, "seed": 0}
    names, settings = ["CTCF", "OCT", "SOX"], EffectSettings(draws=1, max_pairs=20)
    plain = pairs_table(oracle(motifs), sequences, placed, names, settings, [], **arguments)
    pair = (plain["element_a"] == "OCT") & (plain["element_b"] == "SOX")
    assert plain.loc[pair, "evidence"].item().startswith("spacing")
    given = placed.assign(alone=placed["pattern"] != "SOX")
    arguments["composites"] = {frozenset(("OCT", "SOX"))}
    found = pairs_table(oracle(motifs), sequences, given, names, settings, [], **arguments)
    assert found.loc[pair, "evidence"].item().startswith("composite")
    tested = ["co_occurrence_p", "spacing_p"]
    assert found.loc[pair, [*tested, "co_occurrence_q", "spacing_q"]].isna().all(axis=None)
    counts = ["regions_both", "distance", "at_distance"]
    pd.testing.assert_frame_equal(found[counts], plain[counts])
    pd.testing.assert_frame_equal(found.loc[~pair, tested], plain.loc[~pair, tested])
    # With hits enough by a pattern of its own the pair is tested like others.
    found = pairs_table(oracle(motifs), sequences, placed.assign(alone=True), names, settings, [], **arguments)
    assert found.loc[pair, "evidence"].item().startswith("spacing")


def test_one_pattern_or_few_hits_are_said():
    placed = pd.DataFrame({"row": range(30), "start": 10, "end": 20, "strand": "+", "pattern": "a"})
    sequences = np.zeros((30, 50), dtype=np.uint8)
    notices = []
    arguments = {"fdr": 0.1, "seed": 0}
    found = pairs_table(None, sequences, placed, ["a", "b"], EffectSettings(), notices, **arguments)
    assert list(found.columns) == PAIRS_COLUMNS
    assert found.empty
    assert notices == ["no pairs: 1 supported pattern has 20 hits or more"]
    assert pairs_table(None, sequences, placed[:0], [], EffectSettings(), [], **arguments).empty
    # Never in one region: no distance, and no strands either.
    apart = pd.concat([placed, placed.assign(row=placed["row"] + 30, pattern="b")])
    twice = np.concatenate([sequences, sequences])
    row = pairs_table(None, twice, apart, ["a", "b"], EffectSettings(), [], **arguments).iloc[0]
    assert (row["pairs"], row["strands"], row["evidence"]) == (0, "", "")
    assert pd.isna(row["distance"])
