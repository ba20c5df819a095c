import numpy as np
import pandas as pd
import pytest

from lucidna.files import write_json, write_tsv
from lucidna.motifs.effect_tables import ABLATION_COLUMNS
from lucidna.motifs.hit_columns import FINEMO_NAMES
from lucidna.motifs.pair_table import PAIRS_COLUMNS
from lucidna.report import effects_section, hit_figures, hits_section
from lucidna.report.collect import Experiment


def texts(table):
    return [[str(cell.text) for cell in row] for row in table.rows]


def made_ablation():
    table = pd.DataFrame(0.0, index=range(40), columns=ABLATION_COLUMNS)
    table["pattern"] = ["pos_patterns.pattern_0"] * 30 + ["neg_patterns.pattern_1"] * 10
    table["effect"] = [*np.linspace(1, 2, 30), *np.linspace(-1, -0.5, 10)]
    table["effect_sd"], table["control_effect"] = 0.25, 0.01
    return table.rename(columns=FINEMO_NAMES)


def made_pairs():
    table = pd.DataFrame(0.5, index=range(2), columns=PAIRS_COLUMNS)
    table["element_a"], table["element_b"] = (
        "pos_patterns.pattern_0",
        ["pos_patterns.pattern_1", "pos_patterns.pattern_2"],
    )
    table["strands"], table["distance"] = "same", [-3.0, 16.0]
    table["evidence"] = [np.nan, "spacing, more than expected"]
    return table


def test_effects_are_tabulated(tmp_path):
    folder = tmp_path / "motifs" / "t" / "h"
    write_tsv(folder / "ablation.tsv", made_ablation())
    importance = pd.DataFrame({"pattern": ["pos_patterns.pattern_0"], "instances": 200, "importance": 0.9})
    write_tsv(folder / "importance.tsv", importance.assign(importance_sd=0.1, null_importance=0.0, q_value=1e-4))
    write_tsv(folder / "pairs.tsv", made_pairs())
    elements = pd.DataFrame(
        {"element": [f"pos_patterns.pattern_{i}" for i in range(3)], "consensus": ["AAA", "CCC", "GGG"]}
    )
    write_tsv(folder / "elements.tsv", elements)
    write_json(folder / "effects.json", {"notices": ["motifs.effects.max_hits bound: 40 of 50"]})
    experiment = Experiment(tmp_path, tmp_path / "report.html", {}, [])
    block = effects_section.block(experiment, "t", "h")
    ablation, importance, pairs = block["tables"]
    assert [row[:2] for row in texts(ablation)] == [["pos 0", "30"], ["neg 1", "10"]]
    assert texts(ablation)[0][4] == "1.5"
    assert texts(ablation)[1][-1] == "100 %"
    assert texts(importance)[0][:2] == ["pos 0", "0.900"]
    assert "200" in importance.caption
    assert texts(pairs)[0][:2] == ["AAA", "GGG"]  # the one with evidence first
    assert texts(pairs)[0][2] == "spacing, more than expected"
    assert texts(pairs)[1][2] == "–"
    assert [row[6] for row in texts(pairs)] == ["16", "−3"]
    assert len(block["notes"]) == 1
    assert "effects.max_hits bound: 40 of 50" in block["notes"][0]


def test_nothing_run_gives_nothing(tmp_path):
    experiment = Experiment(tmp_path, tmp_path / "report.html", {}, [])
    assert effects_section.block(experiment, "t", "h") == {"tables": [], "notes": []}
    assert hits_section.hit_figures(experiment, "t", "h", None) == []
    assert effects_section.ablation_table(made_ablation()[:0]) is None
    assert effects_section.pairs_table(made_pairs()[:0], None) is None


def test_wilson_interval():
    assert np.isnan(hit_figures.wilson(0, 0)).all()
    low, high = hit_figures.wilson(5, 100)
    assert (low, high) == pytest.approx((0.02154, 0.11175), abs=1e-4)
    assert hit_figures.wilson(0, 50)[0] == 0 < hit_figures.wilson(0, 50)[1] < 0.08


def made_hits(n_false):
    instances = pd.DataFrame(
        {"chrom": "c", "start": np.arange(0, 2000, 20), "motif": "m", "role": ["activator"] * 90 + ["decoy"] * 10}
    )
    instances["end"] = instances["start"] + 10
    windows = pd.DataFrame({"chrom": ["c"], "start": [0], "end": [3000]})
    hits = instances[["chrom", "start", "end"]].iloc[:80].assign(pattern="p", q_value=0.04)
    false = pd.DataFrame({"chrom": "c", "start": 2100 + 20 * np.arange(n_false), "pattern": "p", "q_value": 0.15})
    decoys = instances[["chrom", "start", "end"]].iloc[90:92].assign(pattern="p", q_value=0.15)
    return pd.concat([hits, false.assign(end=false["start"] + 10), decoys]), instances, windows


def test_observed_rate_counts_what_was_not_planted_and_decoys():
    hits, instances, windows = made_hits(18)
    found = hit_figures.observed_fdr(hits, instances, windows, pattern_motif=None, levels=(0.01, 0.05, 0.2))
    assert [(point.nominal, point.n_hits, point.observed) for point in found] == [
        (0.05, 80, 0.0),
        (0.2, 100, pytest.approx(0.2)),
    ]
    assert found[1].low < 0.2 < found[1].high
    ((title, picture),) = hit_figures.calibration(hits, instances, windows, None, place="t, h head")
    assert "t, h head" in title
    # 0.05, 0.1, 0.15, 0.2 and 0.3 have hits.
    assert picture.count('class="point') == picture.count('class="mark"') == 5
    assert "100 hits" in picture
    assert hit_figures.calibration(hits.drop(columns="q_value"), instances, windows, None, place="") == []
    assert hit_figures.calibration(hits[:0], instances, windows, None, place="") == []


def test_figures_of_scores_and_amounts():
    rng = np.random.default_rng(0)
    hits = pd.DataFrame({"correlation": rng.uniform(0.7, 1, 200), "q_value": rng.uniform(0, 0.5, 200)})
    decoys = pd.DataFrame({"correlation": rng.uniform(0.7, 0.8, 40), "draw": np.arange(40) % 2})
    picture = hit_figures.score_figure(hits, decoys)
    assert "200 hits" in picture
    assert "20 hits" in picture  # of a draw
    assert picture.count("curve") == 2
    assert "nan" not in picture
    assert hit_figures.score_figure(hits, None) == hit_figures.score_figure(hits[:0], decoys) == ""
    picture = hit_figures.amount_figure(hits)
    assert f"q ≤ 0.1: {(hits['q_value'] <= 0.1).sum()}" in picture
    assert hit_figures.amount_figure(hits.assign(q_value=np.nan)) == ""
    # Ten hits, the last of them at q = 0.02: 0.2 are false, also of those up to 0.1.
    few = hit_figures.amount_figure(hits.iloc[:10].assign(q_value=np.linspace(0.001, 0.02, 10)))
    assert "expected to be false" in few
    assert few.count('q ≤ 0.1: 0"') == 1
