"""The small recipe benchmark: equal steps for all, complete tables, and a floor under what a recipe buys."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.workflow.conftest import Workflow

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "recipes"
SMALL = yaml.safe_load((BENCHMARK / "small.yaml").read_text())
ARGUMENTS = ("--snakefile", str(BENCHMARK / "Snakefile"), "--configfile", str(BENCHMARK / "small.yaml"))
JUDGED = ["test_auroc", "map_auroc", "map_aupr", "cosine", "snr", "agreement", "angle_share"]


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory) -> Workflow:
    """Return the finished small benchmark, in a folder of its own."""
    workflow = Workflow(tmp_path_factory.mktemp("benchmark"))
    workflow.run(*ARGUMENTS)
    return workflow


@pytest.fixture(scope="module")
def tables(benchmark) -> dict[str, pd.DataFrame]:
    """Name -> table."""
    folder = benchmark.folder / SMALL["results"]
    return {path.stem: pd.read_csv(path, sep="\t", comment="#") for path in folder.glob("*.tsv")}


@pytest.fixture(scope="module")
def values(tables) -> pd.DataFrame:
    """Return the means of the one difficulty and architecture: recipe by metric."""
    return tables["cells"].pivot_table(index="recipe", columns="metric", values="mean")


def test_every_network_has_the_same_steps(tables):
    """5 epochs of 50 batches, evoaug's two stages together too; nothing is left out."""
    networks = tables["networks"]
    assert len(networks) == len(SMALL["recipes"]) * len(SMALL["seeds"])
    assert (networks["status"] == "ok").all()
    trained = networks[networks["recipe"] != "random_weights"]
    assert (trained["steps"] == 250).all()
    assert np.isfinite(networks[JUDGED]).all(axis=None)


def test_networks_learn_and_their_maps_point_at_the_motifs(values):
    """The exponential first layer beats label-shuffled networks by far more than their interval is wide.

    With maps that say nothing map AUPR is the share of motif positions, about .38 here; seen: .69 against .38.
    """
    assert values.loc["relu", "test_auroc"] > 0.85
    assert values.loc["exponential", "test_auroc"] > 0.85
    assert values.loc["exponential", "map_aupr"] > values.loc["label_shuffled", "map_aupr"] + 0.15
    assert values.loc["exponential", "map_auroc"] > 0.65
    for control in ("label_shuffled", "random_weights"):
        assert 0.3 < values.loc[control, "test_auroc"] < 0.7
        assert values.loc[control, "map_auroc"] < 0.57
        assert abs(values.loc[control, "agreement"]) < 0.1


def test_seeds_of_a_trained_recipe_agree(values):
    assert values.loc["relu", "agreement"] > 0.25
    assert values.loc["exponential", "agreement"] > 0.25


def test_differences_have_intervals(tables):
    cells = tables["cells"]
    assert set(cells["metric"]) == {*JUDGED, "seconds", "cost"}
    assert (cells["lo"] <= cells["hi"]).all()
    others = cells[(cells["recipe"] != SMALL["baseline"])]
    assert np.isfinite(others[["difference", "difference_lo", "difference_hi"]]).all(axis=None)
    gain = others[(others["recipe"] == "label_shuffled") & (others["metric"] == "map_aupr")].iloc[0]
    assert gain["difference_hi"] < 0
    summary = tables["summary"].set_index("recipe")
    assert list(summary.index) == list(SMALL["recipes"])
    assert summary.loc["relu", "cost"] == 1
    assert summary.loc["random_weights", "cost"] < 0.5


def test_tables_say_what_they_were_made_by(benchmark, tables):
    assert set(tables) == {"networks", "cells", "summary"}
    for path in (benchmark.folder / SMALL["results"]).glob("*.tsv"):
        first, second = path.read_text().splitlines()[:2]
        assert first.startswith("# benchmarks/recipes; config ")
        assert f"{len(SMALL['recipes'])} of {len(SMALL['recipes'])} recipes" in first
        assert "CPU s" in second
        assert "torch=" in second


def test_second_run_does_nothing(benchmark):
    assert "Nothing to be done" in benchmark.run(*ARGUMENTS).stdout


def test_a_slice_asks_for_its_own_cells_and_the_baseline(benchmark):
    """Nothing is trained again for it; its tables would say how many of the recipes they hold."""
    output = benchmark.run(*ARGUMENTS, "--config", "recipe=exponential", "--dry-run").stdout
    assert "rule cell" not in output
    wanted = output[output.index("rule tables") :]
    assert "/exponential/networks.tsv" in wanted
    assert "/relu/networks.tsv" in wanted
    assert "/evoaug/networks.tsv" not in wanted


def test_an_unknown_recipe_is_an_error(benchmark):
    done = benchmark.run(*ARGUMENTS, "--config", "recipe=exponental", check=False)
    assert done.returncode != 0
    assert "did you mean 'exponential'" in done.stdout
