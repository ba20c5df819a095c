import pytest
from scipy.stats import binom

from lucidna.motifs.saturation import saturation

from .simulated import make_discovery, make_pattern

PATTERNS = [
    make_pattern(f"pos_patterns.pattern_{i}", "TTACCCGGA", n_seqlets=n) for i, n in enumerate((4000, 400, 40, 21))
]


def test_common_patterns_are_found_early_and_rare_ones_late():
    table = saturation(make_discovery(PATTERNS), {}, supported={PATTERNS[0].name, PATTERNS[3].name}).set_index("share")
    assert table["patterns"].is_monotonic_increasing
    assert table.loc[1.0].tolist() == [1000, 4, 2, 4, 4, 2]
    assert table.loc[0.5, ["run_patterns", "found", "found_supported"]].isna().all()
    assert table.loc[0.25, "patterns"] == pytest.approx(2 + binom.sf(19, 40, 0.25) + binom.sf(19, 21, 0.25), abs=1e-3)
    assert table.loc[0.1, "supported"] == pytest.approx(1, abs=1e-3)
    assert table.loc[0.9, "patterns"] < 3.5
    assert table.loc[0.5, "seqlets"] == 500


def test_no_pattern_gives_a_flat_line():
    table = saturation(make_discovery([]), {0.3: make_discovery([])}, supported=set())
    assert (table[["patterns", "supported"]] == 0).all().all()
    assert table.set_index("share").loc[0.3].tolist() == [300, 0, 0, 0, 0, 0]


def test_patterns_are_looked_up_in_runs_on_fewer_regions():
    words = ("TTACCCGGAAGC", "CACGTGACATCG", "GATAAGGCTTAC")
    whole = [make_pattern(f"pos_patterns.pattern_{i}", word, n_seqlets=60) for i, word in enumerate(words)]
    other = make_pattern("pos_patterns.pattern_1", "AAATTTCGCGAT", n_seqlets=25)
    half = make_discovery([make_pattern("pos_patterns.pattern_0", words[1], n_seqlets=30), other])
    table = saturation(make_discovery(whole), {0.5: half}, supported={whole[0].name, whole[1].name}).set_index("share")
    assert table.loc[0.5, ["run_patterns", "found", "found_supported"]].tolist() == [2, 1, 1]
    none = saturation(make_discovery(whole), {0.2: make_discovery([])}, supported=set()).set_index("share")
    assert none.loc[0.2, ["run_patterns", "found", "found_supported"]].tolist() == [0, 0, 0]
