"""Means, paired differences and their intervals; the README's table is the committed one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from recipebench.markdown import markdown_tables, with_tables
from recipebench.tables import ALL, METRICS, cells_table, interval, networks_table, summary_table

ROOT = Path(__file__).resolve().parents[3]
SEEDS = (1, 2, 3, 4)


def cell(rng, *, level, seeds=SEEDS, shared=0.0):
    """Networks of a cell: every metric is its level, what its seed shares with other cells, and noise."""
    table = pd.DataFrame({"seed": seeds, "status": "ok", "code": "0"})
    for metric in METRICS[:-1]:
        table[metric] = level + shared * np.array(seeds) + rng.normal(0, 0.01, len(seeds))
    return table


@pytest.fixture
def networks():
    rng = np.random.default_rng(0)
    cells = {}
    for difficulty, offset in (("easy", 0.0), ("hard", 0.1)):
        for architecture in ("a", "b"):
            cells[difficulty, architecture, "plain"] = cell(rng, level=1.0 - offset, shared=0.5)
            cells[difficulty, architecture, "good"] = cell(rng, level=1.2 - offset, shared=0.5)
    return networks_table(cells, baseline="plain")


def test_interval_is_students():
    values = [0.1, 0.4, 0.2, 0.9, 0.5]
    mean, lo, hi = interval(values)
    expected = stats.t.interval(0.95, 4, loc=np.mean(values), scale=stats.sem(values))
    assert mean == pytest.approx(np.mean(values))
    assert (lo, hi) == pytest.approx(expected)
    assert interval([*values, np.nan]) == (mean, lo, hi)
    assert np.isnan(interval([1.0])[1:]).all()


def test_differences_are_paired_by_seed(networks):
    """Seeds differ by far more than the recipes do; the interval of the difference does not see it."""
    cells = cells_table(networks, baseline="plain").set_index(["difficulty", "architecture", "recipe", "metric"])
    row = cells.loc["easy", "a", "good", "map_aupr"]
    assert row["hi"] - row["lo"] > 1
    assert row["difference"] == pytest.approx(0.2, abs=0.03)
    assert row["difference_hi"] - row["difference_lo"] < 0.1
    assert cells.loc[("easy", "a", "plain", "map_aupr"), "difference":].isna().all()
    own = networks.query("difficulty == 'easy' and architecture == 'a'")
    pairs = own.pivot_table(index="seed", columns="recipe", values="map_aupr")
    assert row["difference"] == pytest.approx((pairs["good"] - pairs["plain"]).mean())


def test_cost_is_relative_to_the_baseline_of_the_same_seed(networks):
    plain = networks[networks["recipe"] == "plain"]
    assert (plain["cost"] == 1).all()
    good = networks.query("difficulty == 'hard' and architecture == 'b' and recipe == 'good' and seed == 3")
    reference = networks.query("difficulty == 'hard' and architecture == 'b' and recipe == 'plain' and seed == 3")
    assert good["cost"].item() == pytest.approx(good["seconds"].item() / reference["seconds"].item())


def test_summary_averages_the_cells_of_each_seed(networks):
    summary = summary_table(networks, cells_table(networks, baseline="plain"), baseline="plain")
    summary = summary.set_index(["difficulty", "recipe"])
    assert list(summary.index.unique("difficulty")) == ["easy", "hard", ALL]
    row = summary.loc["easy", "good"]
    of_seed = [
        np.mean(
            [
                networks.query(f"difficulty == 'easy' and recipe == '{recipe}' and seed == {seed}")["snr"].mean()
                for recipe in ("good", "plain")
            ]
            * np.array([2, -2])
        )
        for seed in SEEDS
    ]
    assert (row["d_snr"], row["d_snr_lo"], row["d_snr_hi"]) == pytest.approx(interval(of_seed))
    assert (row["cells"], row["aupr_better"], row["auroc_worse"]) == (2, 2, 0)
    assert row["aupr_least"] < row["d_map_aupr"]
    assert summary.loc[(ALL, "good"), "cells"] == 4
    assert np.isnan(summary.loc[("easy", "plain"), "d_snr"])


def test_a_failed_network_leaves_the_pairs_of_its_seed(networks):
    failed = (networks[["difficulty", "architecture", "recipe", "seed"]] == ["easy", "a", "good", 4]).all(axis=1)
    networks.loc[failed, "status"] = "failed"
    networks.loc[failed, list(METRICS[:-2])] = np.nan
    cells = cells_table(networks, baseline="plain")
    row = cells.query("difficulty == 'easy' and architecture == 'a' and recipe == 'good' and metric == 'snr'").iloc[0]
    assert (row["seeds"], row["failed"]) == (3, 1)
    assert np.isfinite([row["difference_lo"], row["difference_hi"]]).all()
    summary = summary_table(networks, cells, baseline="plain").set_index(["difficulty", "recipe"])
    # Seed 4, the largest, must not pull the average of the architectures down.
    assert summary.loc[("easy", "good"), "d_snr"] == pytest.approx(0.2, abs=0.03)


def test_markdown_ranks_by_map_aupr(networks):
    summary = summary_table(networks, cells_table(networks, baseline="plain"), baseline="plain")
    text = markdown_tables(summary)
    lines = [line.split(" | ")[0].strip("| ") for line in text.splitlines() if line.startswith("| ")]
    assert [line for line in lines if line in ("good", "plain")] == ["good", "plain"] * 3
    assert "2 of 2" in text


def test_readme_shows_the_committed_table():
    summary = pd.read_csv(ROOT / "benchmarks" / "results" / "recipes" / "summary.tsv", sep="\t", comment="#")
    text = (ROOT / "benchmarks" / "recipes" / "README.md").read_text()
    assert with_tables(text, summary) == text, "run benchmarks/recipes/update_readme.py"
