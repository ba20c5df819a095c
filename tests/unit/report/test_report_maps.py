import math

import numpy as np
import pandas as pd
import pytest

from lucidna.files import read_tsv, write_json
from lucidna.report.attribution_section import agreement_map, fit_notes, least_alike, methods_table, section
from lucidna.report.collect import Experiment
from lucidna.report.maps import (
    Example,
    draw_examples,
    open_map,
    ordinal,
    pick_regions,
    read_examples,
    read_windows,
    strongest_window,
)

from .made_up import LENGTH, PLACE


@pytest.fixture
def files(written):
    folder = written[0] / "attribute" / "accessibility" / "counts"
    return [open_map(folder / f"{method}.attributions.h5") for method in ("deepshap", "saliency", "ism")]


def test_regions_are_picked_by_prediction_among_those_of_all_methods(files):
    picked = pick_regions(files[0], files[1:], examples=3)
    shared = files[2].region_id
    value = dict(zip(files[0].region_id, files[0].prediction, strict=True))
    assert [why for _, why in picked] == ["highest prediction", "median prediction", "lowest prediction"]
    assert {name for name, _ in picked} <= set(shared)
    assert value[picked[0][0]] == max(value[name] for name in shared)
    assert value[picked[2][0]] == min(value[name] for name in shared)
    assert len(pick_regions(files[0], [], examples=500)) <= 500


def test_strongest_window_holds_the_signal_and_does_not_cut_it():
    track = np.zeros(200)
    track[90:100] = -1.0
    start = strongest_window([track], width=50)
    assert start <= 70
    assert start + 50 >= 120
    assert strongest_window([np.zeros(60)], width=60) == 0


def test_each_method_counts_the_same_in_the_choice_of_the_window():
    loud, quiet = np.zeros(300), np.zeros(300)
    loud[10:14], quiet[250:254] = 1e6, 1e-6
    quiet[10:11] = 1e-9
    both = strongest_window([loud, quiet, quiet], width=40)
    assert both > 200


def test_examples_are_cropped_alike_and_in_units_of_the_output(files):
    region = files[2].region_id[3]
    examples, start = read_examples(files, region, width=120)
    assert [example.method for example in examples] == ["deepshap", "saliency", "ism"]
    assert all(example.projected.shape == (4, 120) for example in examples)
    assert all(example.members == 5 for example in examples)
    assert 0 <= start <= LENGTH - 120
    # Made up: a motif contributes about 0.5 a base by DeepSHAP, a tenth of it by saliency.
    assert examples[0].projected.max() == pytest.approx(0.55, abs=0.15)
    assert examples[1].projected.max() == pytest.approx(0.055, abs=0.015)
    assert (np.count_nonzero(examples[0].projected, axis=0) <= 1).all()
    assert read_examples(files, "nowhere", width=120) == ([], 0)


def test_windows_come_from_the_bed_file(files, written):
    rows = read_tsv(written[0] / "data" / "rows.tsv").set_index("region_id")
    windows = read_windows(files[0].path)
    assert len(windows) == len(files[0].region_id)
    for name, (chrom, start) in windows.items():
        assert (chrom, start + LENGTH // 2) == (rows.loc[name, "chrom"], rows.loc[name, "summit"])


def test_drawing_shows_the_spread_only_where_there_is_one():
    projected = np.zeros((4, 30), dtype=np.float32)
    projected[2, 10:16] = 1.0
    one = Example("saliency", projected, np.full(30, np.nan), np.ones(30), 1)
    several = Example("ism", projected, np.full(30, 0.2), np.linspace(0.5, 1, 30), 5)
    alone = draw_examples([one], axis_start=100, axis_label="chr1", summit=None)
    both = draw_examples([one, several], axis_start=100, axis_label="chr1", summit=115)
    assert 'class="band"' not in alone
    assert both.count('class="band"') == 1
    assert "summit" in both
    assert "summit" not in alone
    assert "nan" not in both
    assert both.count("strip") > 25


def test_ordinals():
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 21, 75)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "21st", "75th",
    ]  # fmt: skip


def test_agreement_is_drawn_symmetrically():
    frame = pd.DataFrame({"method_a": ["a", "a"], "method_b": ["b", "c"], "pearson": [0.5, math.nan]})
    drawn = agreement_map(frame)
    assert drawn.count(">0.50<") == 2
    assert drawn.count(">1.0<") == 3
    assert agreement_map(None) == ""


def test_fit_of_a_surrogate_has_a_column_where_there_is_one(files):
    plain = methods_table(files)
    assert "mutants explained" not in [column.label for column in plain.columns]
    path = files[0].path.with_name(f"{files[0].method}.summary.json")
    write_json(path, {"explained": {"median": 0.87, "q05": 0.5}})
    table, silent = methods_table(files), fit_notes(files)
    write_json(path, {"explained": {"median": 0.2, "q05": 0.1}, "notice": "it explains 20 %"})
    told = fit_notes(files)
    path.unlink()
    assert silent == []
    assert told == [f"{files[0].method.capitalize()}: it explains 20 %."]
    assert table.columns[-1].label == "mutants explained"
    assert [row[-1].text for row in table.rows] == ["87 %", "–", "–"]


def test_regions_where_methods_disagree_are_confident_ones(written):
    root, arguments = written
    table = read_tsv(root.joinpath(*PLACE, "disagreement.tsv"))
    chosen = least_alike(table)
    assert len(chosen) == 2
    high = table[table["prediction"] >= table["prediction"].median()]
    assert [region for region, _ in chosen] == high.nsmallest(2, "pearson")["region_id"].tolist()
    assert least_alike(None) == []
    experiment = Experiment(
        root=root,
        page=root / "report" / "report.html",
        config=arguments["config"],
        candidates=arguments["candidates"],
        truth=None,
        benchmarks=root / "benchmarks",
        examples=1,
    )
    block = section(experiment)["blocks"][0]
    assert [example["region"] for example in block["differing"]] == [region for region, _ in chosen]
    assert all(example["svg"].count("mean ± s.d.") == 3 for example in block["differing"])  # one for each method
