import math

import numpy as np
import pandas as pd
import pytest

from lucidna.report.numbers import count, duration, interval, measure, mebibytes, number, percent, sentence
from lucidna.report.tables import from_frame, interval_cells, is_end


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.8123, "0.812"),
        (0.81, "0.810"),
        (0, "0"),
        (12345, "12,345"),
        (12345.6, "12,346"),
        (-0.5, "−0.500"),
        (1.23e-7, "1.23×10⁻⁷"),
        (None, "–"),
        (math.nan, "–"),
        ("x", "–"),
        (math.inf, "∞"),
        (np.int64(7), "7"),
        (9.996, "10.00"),
    ],
)
def test_number(value, text):
    assert number(value) == text


def test_decimals_follow_the_interval():
    assert interval(0.8123, 0.7904, 0.8333) == "0.812 [0.790, 0.833]"
    assert interval(0.5, 0.1, 0.9) == "0.50 [0.10, 0.90]"
    assert interval(3.0, 1.0, 5.0, decimals=0) == "3 [1, 5]"
    assert interval(1.0, 1.0, 1.0) == "1.000 [1.000, 1.000]"
    assert interval(123.4, 100.2, 150.9) == "123 [100, 151]"
    assert interval(0.5, math.nan, math.nan) == "0.500"
    assert interval(math.nan, 0, 1) == "–"
    assert interval(0.0, -0.001, 0.001) == "0.0000 [−0.0010, 0.0010]"


def test_other_units():
    assert (count(1234567), count(None)) == ("1,234,567", "–")
    assert (percent(0.256), percent(0.256, 1)) == ("26 %", "25.6 %")
    assert [duration(s) for s in (4.21, 190, 7500, None)] == ["4.2 s", "3 min 10 s", "2 h 05 min", "–"]
    assert (mebibytes(512), mebibytes(1536)) == ("512 MiB", "1.5 GiB")
    assert (measure(0.0129), measure(-0.00706), measure(2e-5)) == ("0.013", "−0.007", "2.00×10⁻⁵")


def test_a_column_has_one_number_of_decimals():
    records = [
        {"a": 0.5, "a_lo": 0.48, "a_hi": 0.52},
        {"a": 0.9988, "a_lo": 0.9985, "a_hi": 0.9991},
        {"a": 0.7, "a_lo": 0.68, "a_hi": 0.72},
        {"a": None},
    ]
    texts = [cell.text for cell in interval_cells(records, "a")]
    assert texts == ["0.500 [0.480, 0.520]", "0.999 [0.999, 0.999]", "0.700 [0.680, 0.720]", "–"]
    assert [cell.sort for cell in interval_cells(records, "a")] == [0.5, 0.9988, 0.7, None]


def test_interval_columns_join_their_value():
    frame = pd.DataFrame({"name": ["x"], "n": [3], "r": [0.5], "r_lo": [0.4], "r_hi": [0.6], "lo": [1.0]})
    table = from_frame(frame, caption="c", labels={"r": "Pearson r"}, key="name", code=("name",))
    assert [column.label for column in table.columns] == ["name", "n", "Pearson r", "lo"]
    assert [cell.text for cell in table.rows[0]] == ["x", "3", "0.50 [0.40, 0.60]", "1.000"]
    assert table.keys == ["x"]
    assert is_end("r_hi", frame.columns)
    assert not is_end("lo", frame.columns)
    assert from_frame(frame.head(0), caption="c").rows == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no map was made", "No map was made."),
        ("TF-MoDISco found 3.", "TF-MoDISco found 3."),
        (" what? ", "What?"),
        ("", ""),
        ("motifs.database is null", "motifs.database is null."),
        ("data/x.bed holds one", "data/x.bed holds one."),
    ],
)
def test_sentence(text, shown):
    assert sentence(text) == shown
