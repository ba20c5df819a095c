"""The small ranking benchmark: networks trained on data of known truth are ranked as the truth ranks them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.workflow.conftest import Workflow

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "ranking"
SMALL = yaml.safe_load((BENCHMARK / "small.yaml").read_text())
ARGUMENTS = ("--snakefile", str(BENCHMARK / "Snakefile"), "--configfile", str(BENCHMARK / "small.yaml"))


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory) -> Workflow:
    """Return the finished small benchmark, in a folder of its own."""
    workflow = Workflow(tmp_path_factory.mktemp("benchmark"))
    workflow.run(*ARGUMENTS)
    return workflow


@pytest.fixture(scope="module")
def tables(benchmark) -> dict[str, pd.DataFrame]:
    """Name -> table."""
    folder = benchmark.folder / SMALL["results"] / "fresh"
    return {path.stem: pd.read_csv(path, sep="\t", comment="#") for path in folder.glob("*.tsv")}


def correlation(tables: dict[str, pd.DataFrame], score: str, scope: str) -> float:
    table = tables["correlation"]
    chosen = (table["score"] == score) & (table["truth"] == "composite") & (table["scope"] == scope)
    return float(table.loc[chosen, "rho"].iloc[0])


def test_rules_follow_the_truth(tables):
    """Spearman with the true composite, 24 networks.

    With maps that say nothing about the truth the pooled value has mean 0 and standard deviation 0.21, and the
    mean over four families of six 0 and 0.22.
    """
    assert correlation(tables, "rule_a", "pooled") > 0.8
    assert correlation(tables, "rule_a", "within") > 0.6
    assert correlation(tables, "rule_b", "pooled") > 0.6


def test_scores_are_judged_by_the_truth_of_their_own_network(benchmark):
    """The same table with the truth of other networks gives what chance gives: the floors above can be missed."""
    from scipy.stats import spearmanr

    panel = pd.read_csv(benchmark.folder / SMALL["results"] / "fresh" / "panel.tsv", sep="\t", comment="#")
    candidates = panel[panel["role"] == "candidate"]
    rng = np.random.default_rng(0)
    found = [spearmanr(candidates["c_snr"], rng.permutation(candidates["true_snr"])).statistic for _ in range(200)]
    assert np.quantile(found, 0.99) < 0.6


def test_controls_and_plain_fakes_are_vetoed(tables):
    fooled = tables["fooled"].set_index("fake")
    for fake in ("label_shuffled", "random_weights", "noise", "sign flip", "swapped bases", "maps of other sequences"):
        assert np.all(fooled.loc[fake, "veto_a"]), fake
        assert np.all(fooled.loc[fake, "rule_a"] < 20), fake


def test_tables_say_what_they_were_made_by(benchmark, tables):
    assert set(tables) == {"panel", "correlation", "selection", "cost", "sizes", "fooled", "shared", "summary"}
    for path in (benchmark.folder / SMALL["results"] / "fresh").glob("*.tsv"):
        first, second = path.read_text().splitlines()[:2]
        assert first.startswith("# benchmarks/ranking, fresh populations; config ")
        assert "CPU s" in second
        assert "torch=" in second
    assert len(tables["panel"]) == 24 + 2 * 2


def test_second_run_does_nothing(benchmark):
    assert "Nothing to be done" in benchmark.run(*ARGUMENTS).stdout
