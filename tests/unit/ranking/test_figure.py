import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from lucidna.ranking.figure import GREY, draw_pareto, write_pareto
from lucidna.ranking.panel import rank_candidates


@pytest.fixture(scope="module")
def ranking(toy):
    maps = np.concatenate([toy.maps([0.3, 0.4, 0.6, 0.9]), -toy.maps([0.3], seed=2), toy.maps([30.0], seed=3)])
    return rank_candidates(
        maps,
        toy.onehot,
        scores=np.array([[0.8 + 0.02 * index, 0.7, 0.95] for index in range(6)]),
        families=["a", "a", "b", "b", "b", "a"],
        controls=["none"] * 5 + ["label_shuffled"],
        top=2,
        bootstraps=60,
    ).ranking


def test_every_network_is_drawn_at_its_place(ranking):
    figure = draw_pareto(ranking, metric="auroc")
    (ax,) = figure.axes
    assert ax.get_xlabel() == "validation AUROC"
    drawn = {(round(line.get_xdata()[0], 6), round(line.get_ydata()[0], 6)) for line in ax.lines}
    assert drawn >= {(round(x, 6), round(y, 6)) for x, y in zip(ranking["prediction"], ranking["score"], strict=True)}
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[:2] == ["a", "b"]
    assert {"chosen", "control", "Pareto front"} <= set(labels)


def bars_of(ax) -> dict[tuple[float, float], tuple[float, float]]:
    """Heights of the vertical error bars: where each is, and from where to where it goes."""
    found = {}
    for container in ax.containers:
        for lines in container.lines[2]:
            for (x0, y0), (x1, y1) in lines.get_segments():
                if x0 == x1:
                    found[round(x0, 6)] = (round(y0, 6), round(y1, 6))
    return found


def test_scores_carry_their_intervals(ranking):
    (ax,) = draw_pareto(ranking, metric="auroc").axes
    bars = bars_of(ax)
    for row in ranking.itertuples():
        assert bars[round(row.prediction, 6)] == (round(row.score_lo, 6), round(row.score_hi, 6))


def test_what_is_set_aside_is_grey_and_numbered_with_its_reason(ranking):
    figure = draw_pareto(ranking.assign(family=np.where(ranking["status"] == "vetoed", "c", ranking["family"])))
    (vetoed,) = ranking.loc[ranking["status"] == "vetoed", "id"]
    words = " ".join(text.get_text() for text in figure.texts)
    assert f"1  {vetoed}, vetoed: its c_cos" in words
    assert [text.get_text() for text in figure.axes[0].texts] == ["1"]
    legend = figure.legends[0]
    entries = dict(zip([text.get_text() for text in legend.get_texts()], legend.legend_handles, strict=True))
    # Nothing of family c competes: its entry is as grey as its mark.
    assert entries["c"].get_color() == GREY
    assert entries["a"].get_color() != GREY
    assert GREY in {line.get_color() for line in figure.axes[0].lines if line.get_markerfacecolor() == "white"}


def test_many_reasons_are_cut_short(ranking):
    many = pd.concat([ranking[ranking["status"] == "vetoed"]] * 20, ignore_index=True)
    many["id"] = [f"net{index}" for index in range(20)]
    words = [text.get_text() for text in draw_pareto(many).texts]
    assert "and 8 more, whose reasons stand in ranking.tsv" in words


def test_the_file_is_a_picture_and_the_same_twice(ranking, tmp_path):
    for name in ("first.png", "second.png"):
        write_pareto(tmp_path / name, ranking, metric="auroc")
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()
    pixels = matplotlib.image.imread(tmp_path / "first.png")
    assert pixels.shape[0] > 400
    assert pixels[..., :3].std() > 0.01


def test_one_panel_per_fold_and_no_metric_is_no_obstacle(ranking):
    folds = ranking.assign(fold=["x", "y"] * 3, prediction=np.nan, prediction_lo=np.nan, prediction_hi=np.nan)
    figure = draw_pareto(folds)
    assert [ax.get_title() for ax in figure.axes] == ["fold x", "fold y"]


def test_a_control_at_chance_stands_at_the_edge(ranking):
    far = ranking.assign(prediction=np.where(ranking["control"] == "none", ranking["prediction"], 0.1))
    figure = draw_pareto(far)
    assert figure.axes[0].get_xlim()[0] > 0.6
    arrow = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() == "<"]
    others = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() in "osx"]
    assert max(arrow) < min(others)
    assert "control, further left" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_nothing_to_draw_says_so(ranking):
    figure = draw_pareto(ranking.assign(score=np.nan))
    assert "no candidate" in figure.axes[0].texts[0].get_text()
