import matplotlib.image
import numpy as np
import pytest

from lucidna.ranking.figure import draw_pareto, write_pareto
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
    assert "control, further left" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_nothing_to_draw_says_so(ranking):
    figure = draw_pareto(ranking.assign(score=np.nan))
    assert "no candidate" in figure.axes[0].texts[0].get_text()
