import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from lucidna.motifs.logo import information_matrix, logo_svg

NAMESPACE = "{http://www.w3.org/2000/svg}"


def letters(svg):
    paths = [path.attrib for path in ElementTree.fromstring(svg).iter(f"{NAMESPACE}path")]
    return {path["fill"]: path["d"] for path in paths if "fill" in path}


def extent(path):
    values = [float(value) for value in re.findall(r"-?\d+\.?\d*", path)]
    return min(values[1::2]), max(values[1::2])


def test_one_letter_fills_its_box():
    matrix = np.zeros((4, 3))
    matrix[0, 1] = 2.0
    drawn = letters(logo_svg(matrix, height=50, width=30))
    assert list(drawn) == ["#109648"]
    values = [float(value) for value in re.findall(r"\d+\.?\d*", drawn["#109648"])]
    assert 10 <= min(values[0::2]) < max(values[0::2]) <= 20
    assert extent(drawn["#109648"]) == (0, 50)


def test_larger_letters_are_farther_out_and_negative_ones_below():
    matrix = np.array([[1.0], [3.0], [-2.0], [0.0]])
    drawn = letters(logo_svg(matrix, height=60, width=20))
    assert len(drawn) == 3
    assert extent(drawn["#255c99"]) == (0, 30)
    assert extent(drawn["#109648"]) == (30, 40)
    assert extent(drawn["#f7b32b"]) == (40, 60)


def test_limits_make_logos_comparable():
    matrix = np.array([[1.0], [0], [0], [0]])
    drawn = letters(logo_svg(matrix, height=40, limits=(0, 4)))
    assert extent(drawn["#109648"]) == (30, 40)


def test_long_maps_and_zeros_stay_small():
    rng = np.random.default_rng(0)
    matrix = np.zeros((4, 1000))
    matrix[rng.integers(0, 4, 1000), np.arange(1000)] = rng.normal(size=1000) ** 3
    svg = logo_svg(matrix, height=60, title="a < b")
    assert len(svg) < 100_000
    assert "a &lt; b" in svg
    assert letters(logo_svg(np.zeros((4, 5)))) == {}


def test_information_matrix():
    ppm = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4]).T
    np.testing.assert_allclose(information_matrix(ppm).sum(axis=0), [2, 1, 0])


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(5, 4\)"):
        logo_svg(np.zeros((5, 4)))
    with pytest.raises(ValueError, match="finite"):
        logo_svg(np.full((4, 2), np.nan))
