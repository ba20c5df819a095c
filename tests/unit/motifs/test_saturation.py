import pytest
from scipy.stats import binom

from lucidna.motifs.saturation import saturation

from .simulated import make_discovery, make_pattern

PATTERNS = [
    make_pattern(f"pos_patterns.pattern_{i}", "TTACCCGGA", n_seqlets=n) for i, n in enumerate((4000, 400, 40, 21))
]


def test_common_patterns_are_found_early_and_rare_ones_late():
    table = saturation(make_discovery(PATTERNS), supported={PATTERNS[0].name, PATTERNS[3].name}).set_index("share")
    assert table["patterns"].is_monotonic_increasing
    assert table.loc[1.0].tolist() == [1000, 4, 2]
    assert table.loc[0.25, "patterns"] == pytest.approx(2 + binom.sf(19, 40, 0.25) + binom.sf(19, 21, 0.25), abs=1e-3)
    assert table.loc[0.1, "supported"] == pytest.approx(1, abs=1e-3)
    assert table.loc[0.9, "patterns"] < 3.5
    assert table.loc[0.5, "seqlets"] == 500


def test_no_pattern_gives_a_flat_line():
    table = saturation(make_discovery([]), supported=set())
    assert (table[["patterns", "supported"]] == 0).all().all()
