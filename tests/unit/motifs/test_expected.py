"""Expected motifs among patterns that are written by hand."""

import numpy as np
import pandas as pd
import pytest

from lucidna.config import validate
from lucidna.errors import UserError
from lucidna.motifs.expected import COLUMNS, agreement, expected_table
from lucidna.motifs.patterns import Pattern
from lucidna.motifs.sites import check_expected
from lucidna.sequence import encode


def pattern(letters, *, name="pos_patterns.pattern_0", sharpness=0.9, flank=4, n=3):
    """Return a pattern of one site with even flanks; N is an even column."""
    codes = encode(letters)
    ppm = np.full((4, len(codes) + 2 * flank), 0.25)
    for at, code in enumerate(codes):
        if code < 4:
            ppm[:, flank + at] = (1 - sharpness) / 3
            ppm[code, flank + at] = sharpness
    seqlets = pd.DataFrame({"row": np.arange(n)})
    return Pattern(name, "pos", ppm, ppm - 0.25, ppm - 0.25, seqlets, flank, flank + len(codes))


def table(*patterns):
    return pd.DataFrame(
        {
            "pattern": [each.name for each in patterns],
            "label": "supported",
            "n_seqlets": [each.n_seqlets for each in patterns],
            "hits": 20,
            "hits_at_fdr": 7,
            "composite_of": "",
        }
    )


@pytest.mark.parametrize("letters", ["GTCACGTGAC", "TTACCCG", "CGGGTAA"])
def test_a_site_is_found_on_either_strand(letters):
    site = {"GTCACGTGAC": "CACGTG"}.get(letters, "TTACCCG")
    assert agreement(pattern(letters), site) == pytest.approx(0.9)


def test_the_weakest_position_decides_and_open_ones_say_nothing():
    assert agreement(pattern("GTCACTATATACGA"), "RTCAYNNNNNACG") == pytest.approx(0.9)
    # R allows A and G: their frequencies are summed.
    assert agreement(pattern("ATCACTATATACGA", sharpness=0.7), "RTCAYNNNNNACG") == pytest.approx(0.7)
    assert agreement(pattern("GTCACTATATAAGA"), "RTCAYNNNNNACG") < 0.3
    assert agreement(pattern("TTACNCG"), "TTACCCG") == pytest.approx(0.25)


def test_a_site_that_hangs_over_the_core_by_more_than_two_bases_is_not_laid_there():
    assert agreement(pattern("TTACC"), "TTACCCG") == pytest.approx(0.25)
    assert agreement(pattern("TTA", flank=1), "TTACCCG") == 0.0


def test_the_table_names_the_largest_pattern_that_shows_a_motif():
    small = pattern("TTACCCG", name="pos_patterns.pattern_1", n=3)
    large = pattern("TTACCCGC", name="pos_patterns.pattern_0", n=30, sharpness=0.8)
    found = expected_table([large, small], table(large, small), {"REB1": "TTACCCG", "CBF1": "CACGTG"})
    assert list(found.columns) == COLUMNS
    assert found["found"].tolist() == ["yes", "no"]
    assert found["pattern"][0] == "pos_patterns.pattern_0"
    assert found["agreement"][0] == pytest.approx(0.8)
    assert found[["label", "n_seqlets", "hits", "hits_at_fdr"]].iloc[0].tolist() == ["supported", 30, 20, 7]
    assert found[["label", "n_seqlets", "hits", "hits_at_fdr"]].iloc[1].tolist() == ["", 0, 0, 0]


def test_no_pattern_and_nothing_expected():
    empty = table()
    found = expected_table([], empty, {"REB1": "TTACCCG"})
    assert found[["found", "pattern", "agreement"]].iloc[0].tolist() == ["no", "", 0.0]
    assert list(expected_table([], empty, {}).columns) == COLUMNS
    assert expected_table([], empty, {}).empty


@pytest.mark.parametrize(
    ("site", "message"), [("TTAXCCG", "'X' is no IUPAC letter"), ("TTNNA", "at least 4"), ("", "nothing")]
)
def test_sites_that_cannot_be_looked_up(site, message):
    with pytest.raises(UserError, match=message) as caught:
        check_expected({"REB1": site})
    assert "motifs.expected.REB1" in str(caught.value)


def test_the_config_is_checked(root):
    import yaml

    config = yaml.safe_load((root / "config" / "config.yaml").read_text())
    config["motifs"]["expected"] = {"REB1": "TTACCCG"}
    assert validate(config)["motifs"]["expected"] == {"REB1": "TTACCCG"}
    config["motifs"]["expected"] = {"REB1": "TTA-CCG"}
    with pytest.raises(UserError, match="REB1"):
        validate(config)
