import numpy as np
import pandas as pd
import pytest

from lucidna.motifs.null import AS_NULL, SUPPORTED, SUPPORTED_PART, UNTESTED, WEAK
from lucidna.motifs.part import add_parts

from .simulated import make_pattern
from .test_composite import spaced

A, B = "TTACCCGGA", "CACGTGACA"
WHOLE = spaced("pos_patterns.pattern_0", A, B)


def labelled(patterns, labels):
    """Return what `calibrate` would say, as far as it matters."""
    return pd.DataFrame({"pattern": [pattern.name for pattern in patterns], "label": labels, "q_value": 0.5})


def turned(pattern):
    """The same pattern from the other strand."""
    width = pattern.cwm.shape[1]
    matrices = {key: getattr(pattern, key)[::-1, ::-1] for key in ("cwm", "ppm", "hcwm")}
    return type(pattern)(**{**vars(pattern), **matrices, "start": width - pattern.end, "end": width - pattern.start})


def test_a_motif_alike_but_for_one_base_is_no_part():
    """GATA in OCT: five of six bases, a cosine of .95 where the one that differs contributes little."""
    oct_pattern = make_pattern("pos_patterns.pattern_0", "TATGCAAATA", n_seqlets=60)
    gata = make_pattern("pos_patterns.pattern_1", "CAGATA", n_seqlets=60)
    sizes = np.array([1, 1, 0.3, 1, 1, 1])
    weights = np.ones(gata.cwm.shape[1])
    weights[gata.start : gata.end] = sizes
    whole_weights = np.ones(oct_pattern.cwm.shape[1])
    whole_weights[oct_pattern.start + 4 : oct_pattern.start + 10] = sizes
    gata = type(gata)(**{**vars(gata), "cwm": gata.cwm * weights})
    oct_pattern = type(oct_pattern)(**{**vars(oct_pattern), "cwm": oct_pattern.cwm * whole_weights})
    before = labelled([oct_pattern, gata], [SUPPORTED, WEAK])
    assert add_parts([oct_pattern, gata], before)["label"].tolist() == [SUPPORTED, WEAK]
    # With the base that differs as unsure as it may be, the contributions alone decide.
    unsure = gata.ppm.copy()
    unsure[:, gata.start + 2] = [0.4, 0.05, 0.5, 0.05]
    like = type(gata)(**{**vars(gata), "ppm": unsure})
    assert add_parts([oct_pattern, like], before)["label"].tolist() == [SUPPORTED, SUPPORTED_PART]


@pytest.mark.parametrize("strand", ["+", "-"])
def test_a_rare_half_of_a_supported_pattern_is_supported(strand):
    half = make_pattern("pos_patterns.pattern_1", A, n_seqlets=20)
    half = half if strand == "+" else turned(half)
    before = labelled([WHOLE, half], [SUPPORTED, WEAK])
    after = add_parts([WHOLE, half], before)
    assert after["label"].tolist() == [SUPPORTED, SUPPORTED_PART]
    assert after["part_of"].tolist() == ["", WHOLE.name]
    assert after["q_value"].equals(before["q_value"])


def test_stray_columns_far_from_the_heart_do_not_matter():
    half = make_pattern("pos_patterns.pattern_1", A, n_seqlets=20)
    cwm = np.concatenate([half.cwm, np.zeros((4, 40))], axis=1)
    cwm[2, -1] = np.abs(half.cwm).max() / 2
    spread = type(half)(**{**vars(half), "cwm": cwm, "end": cwm.shape[1]})
    assert add_parts([WHOLE, spread], labelled([WHOLE, spread], [SUPPORTED, WEAK]))["part_of"][1] == WHOLE.name


@pytest.mark.parametrize(
    ("other", "labels"),
    [
        (make_pattern("pos_patterns.pattern_1", "GGGCGATTA", n_seqlets=20), [SUPPORTED, WEAK]),  # not in it
        (make_pattern("neg_patterns.pattern_0", A, n_seqlets=20), [SUPPORTED, WEAK]),  # of the other sign
        (make_pattern("pos_patterns.pattern_1", "CCC", n_seqlets=20), [SUPPORTED, WEAK]),  # too short to say anything
        (make_pattern("pos_patterns.pattern_1", A, n_seqlets=20), [WEAK, WEAK]),  # nothing supported
        (make_pattern("pos_patterns.pattern_1", A, n_seqlets=20), [UNTESTED, UNTESTED]),
        (make_pattern("pos_patterns.pattern_1", A, n_seqlets=20), [SUPPORTED, AS_NULL]),  # no more than the null has
    ],
)
def test_other_patterns_keep_their_label(other, labels):
    after = add_parts([WHOLE, other], labelled([WHOLE, other], labels))
    assert after["label"].tolist() == labels
    assert (after["part_of"] == "").all()


def test_a_heart_of_one_large_column_says_nothing():
    half = make_pattern("pos_patterns.pattern_1", A, n_seqlets=20)
    weights = np.full(half.cwm.shape[1], 0.05)
    weights[half.start + 4] = 1.0
    narrow = type(half)(**{**vars(half), "cwm": half.cwm * weights})
    assert add_parts([WHOLE, narrow], labelled([WHOLE, narrow], [SUPPORTED, WEAK]))["part_of"][1] == ""


def test_no_pattern():
    assert add_parts([], labelled([], [])).columns.tolist()[-1] == "part_of"
