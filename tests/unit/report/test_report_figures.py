import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from lucidna.report import svg
from lucidna.report.figures import Chart, Curve, heatmap, histogram, small_charts
from lucidna.report.point_figures import Point, intervals, scatter


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def centre(text: str, key: str) -> tuple[float, float]:
    """Pixel of the circle of the point with this key."""
    found = re.search(rf'data-key="{key}">(.*?)</g>', text)
    mark = re.search(r'class="mark" cx="([\d.]+)" cy="([\d.]+)"', found.group(1))
    return float(mark.group(1)), float(mark.group(2))


def test_ticks_are_round_and_inside():
    assert svg.nice_ticks(0, 1, 5) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert svg.nice_ticks(-3.2, 7.9, 4) == [0, 5] or svg.nice_ticks(-3.2, 7.9, 4)[0] >= -3.2
    assert svg.nice_ticks(0.61, 0.79, 5) == pytest.approx([0.65, 0.7, 0.75])
    assert svg.nice_ticks(1, 1) == [1]


def test_limits_hold_all_finite_values():
    low, high = svg.limits([3.0, math.nan, None, 5.0, math.inf])
    assert low < 3 < 5 < high
    assert svg.limits([]) == (0.0, 1.0)
    low, high = svg.limits([2.0])
    assert low < 2 < high


def test_scale_maps_limits_to_pixels():
    scale = svg.Scale(10, 20, 300, 100)
    assert (scale(10), scale(20), scale(15)) == (300, 100, 200)


def test_line_breaks_where_a_value_is_missing():
    drawn = svg.path([0, 1, 2, 3], [0, math.nan, 2, 3], css="curve")
    assert drawn.count("M") == 2
    assert drawn.count("L") == 1
    assert svg.path([0], [math.nan], css="curve") == ""


@pytest.mark.parametrize("shape", [*svg.SHAPES, "cross"])
def test_markers_are_centred(shape):
    numbers = re.findall(r"(-?[\d.]+),(-?[\d.]+)", svg.marker(shape, 50, 60, 5))
    if numbers:
        x, y = np.array(numbers, dtype=float).T
        assert abs(x.mean() - 50) < 1
        assert abs(y.mean() - 60) < 1


def test_scatter_places_points_in_order_and_pins_controls():
    points = [
        Point("low", 0.6, 0.2, (0.55, 0.65), (0.1, 0.3)),
        Point("high", 0.8, 0.9, (0.75, 0.85), (0.8, 1.0)),
        Point("unknown", math.nan, 0.5),
        Point("far", -50.0, -50.0, kind="control"),
    ]
    text = scatter(points, x_label="prediction", y_label="score", front=[(0.8, 0.9)])
    parsed(text)
    low, high = centre(text, "low"), centre(text, "high")
    assert low[0] < high[0]
    assert low[1] > high[1]
    assert "unknown" not in text
    assert text.count('class="whisker"') == 4
    assert text.count('class="whisker cap"') == 8
    assert 'class="front"' in text
    # The control is there, inside the frame, and does not squeeze the others.
    assert 'data-key="far"' in text
    assert high[0] - low[0] > 300


def test_whiskers_of_a_control_end_at_the_frame():
    points = [Point("a", 1.0, 0.9, (0.9, 1.1), (0.8, 1.0)), Point("c", 1.0, 0.9, (-9, 9), (-9, 9), kind="control")]
    text = scatter(points, x_label="x", y_label="y", width=900, height=400)
    ends = re.findall(r'class="whisker" x1="([\d.-]+)" y1="([\d.-]+)" x2="([\d.-]+)" y2="([\d.-]+)"', text)
    assert len(ends) == 4
    assert all(0 < float(value) < 900 for end in ends for value in (end[0], end[2]))
    assert all(0 < float(value) < 400 for end in ends for value in (end[1], end[3]))


def test_scatter_of_nothing_is_an_empty_frame():
    assert parsed(scatter([], x_label="a", y_label="b")).tag == "svg"


def test_intervals_draw_one_row_each():
    rows = [Point(f"candidate {i}", i + 1.0, 0, (i + 0.5, i + 2.0)) for i in range(7)]
    text = intervals(rows, x_label="rank", low=0.5)
    parsed(text)
    assert text.count('class="bar"') == 7
    widths = [float(w) for w in re.findall(r'width="([\d.]+)" height="9" ?/?', text)]
    assert np.ptp(widths) < 0.1
    assert widths[0] > 50


def test_small_charts_share_axes_and_clip_an_exploding_epoch():
    calm = Curve("calm", range(200), np.linspace(0, 1, 200))
    wild = Curve("wild", range(200), [1.0] * 199 + [1e9])
    text = small_charts(
        [Chart("first", [calm], boundaries=(8.5,)), Chart("second", [wild])], x_label="epoch", y_label="loss"
    )
    parsed(text)
    assert text.count("chart-title") == 2
    assert text.count('class="boundary"') == 1
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", text)]
    assert max(heights) - min(heights) > 80
    assert small_charts([Chart("none", [Curve("c", [1], [math.nan])])], x_label="x", y_label="y") == ""


def ticks(text: str) -> list[str]:
    """Ticks of the horizontal axis."""
    return re.findall(r'class="tick"[^>]*text-anchor="middle">([^<]*)<', text)


def test_one_epoch_is_a_dot_and_epochs_are_whole():
    text = small_charts([Chart("once", [Curve("a", [1], [0.5])])], x_label="epoch", y_label="loss")
    parsed(text)
    assert text.count('<circle class="mark"') == 1
    assert ticks(text) == ["1"]
    text = small_charts([Chart("twice", [Curve("a", [1, 2], [0.5, 0.4])])], x_label="epoch", y_label="loss")
    assert "<circle" not in text
    assert ticks(text) == ["1", "2"]
    rows = [Point(f"c{i}", i, 0.0) for i in (1, 2)]
    assert ticks(intervals(rows, x_label="rank", low=0.5, whole=True)) == ["1", "2"]
    assert "1.5" in ticks(intervals(rows, x_label="rank", low=0.5))


def test_histogram_counts():
    text = histogram([0.5] * 3 + [1.5] + [math.nan], x_label="distance", bins=2, limits=(0, 2))
    parsed(text)
    heights = [float(h) for h in re.findall(r'class="column c0"[^>]*height="([\d.]+)"', text)]
    assert len(heights) == 2
    assert heights[0] == pytest.approx(3 * heights[1], rel=0.01)
    assert histogram([math.nan], x_label="distance") == ""


def test_heatmap_shades_by_value_and_leaves_nan_empty():
    matrix = np.array([[1.0, 0.5], [math.nan, 1.0]])
    text = heatmap(matrix, labels=["a", "b"], title="agreement")
    parsed(text)
    opacity = [float(value) for value in re.findall(r'fill-opacity="([\d.]+)"', text)]
    assert len(opacity) == 3
    assert opacity[0] > opacity[1]


def test_text_of_figures_is_escaped():
    bad = '<b>"&'
    text = scatter([Point(bad, 1, 1, lines=(bad,))], x_label=bad, y_label=bad)
    parsed(text)
    assert "<b>" not in text
