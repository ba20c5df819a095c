import numpy as np
import pandas as pd
import pytest

from lucidna.files import read_json, write_json, write_tsv
from lucidna.report import variants_section
from lucidna.report.collect import Experiment
from lucidna.report.numbers import MISSING, percent

NAME = "pos_patterns.pattern_0 (CTCF)"


def texts(table):
    return [[str(cell.text) for cell in row] for row in table.rows]


@pytest.fixture
def experiment(tmp_path):
    """Four variants: in a hit that it breaks, searched but in none, not searched, and one that makes two sites."""
    ids = ["breaks_1", "breaks_2", "breaks_3", "decoy_1"]
    table = pd.DataFrame(
        {"chrom": "chr1", "position": [10, 20, 30, 40], "id": ids, "ref": "A", "alt": "C", "task": "t"}
    )
    table["log2_fold_change"], table["log2_fold_change_sd"] = [-2.0, -1.0, -0.5, 0.1], 0.25
    table["sign_agreement"], table["searched"] = 1.0, [True, True, False, True]
    table["hit"] = [f"{NAME};{NAME}", np.nan, np.nan, np.nan]
    table["makes"], table["breaks"] = [np.nan] * 3 + [NAME], [NAME] + [np.nan] * 3
    table["site_change"] = ["-13.3;-1.5", np.nan, np.nan, "4"]
    write_tsv(tmp_path / "variants" / "variants.tsv", table)
    truth = pd.DataFrame({"id": ids, "kind": ["breaks"] * 3 + ["decoy"], "strength": [1.0] * 3 + [0.0]})
    write_tsv(tmp_path / "truth" / "variants.tsv", truth)
    summary = {"n_variants": 4, "networks": ["a"], "skipped": {}, "tasks": ["t"], "notices": []}
    write_json(tmp_path / "variants" / "summary.json", {**summary, "unit": "log2_fold_change"})
    return Experiment(tmp_path, tmp_path / "report.html", {}, [], truth=tmp_path / "truth")


def test_hits_that_were_not_searched_are_not_counted_as_none(experiment):
    truth, effects = variants_section.section(experiment)["tables"]
    names = [column.label for column in truth.columns]
    first = dict(zip(names, texts(truth)[0], strict=True))
    assert first["number"] == "3"
    assert first["searched"] == "2"
    assert first["in a hit"] == percent(0.5)
    assert first["breaks a pattern"] == percent(1 / 3)
    names = [column.label for column in effects.columns]
    shown = [dict(zip(names, row, strict=True)) for row in texts(effects)]
    assert [row["hit"] for row in shown] == ["pos 0 (CTCF), pos 0 (CTCF)", "–", "not searched", "–"]
    assert [row["breaks"] for row in shown] == ["pos 0 (CTCF)", "–", "–", "–"]
    assert [row["makes"] for row in shown] == ["–", "–", "–", "pos 0 (CTCF)"]
    assert [row["bits"] for row in shown] == ["−13.3", "–", "–", "4.00"]


def test_how_often_other_substitutions_change_a_site_is_told(experiment):
    rate = {"patterns": 2, "variants": 1200, "make_or_break": 0.125, "other_substitutions": 2400}
    rate["others_make_or_break"] = 0.0625
    none = {"variants": 0, "make_or_break": None, "other_substitutions": 0, "others_make_or_break": None}
    path = experiment.root / "variants" / "summary.json"
    sites = {"t": rate, "u": {"patterns": 3, **none}, "v": {"patterns": 0, **none}}
    write_json(path, {**read_json(path), "sites": sites})
    measured, no_variant, no_pattern = variants_section.section(experiment)["notes"]
    assert measured.startswith(f"Task t: {percent(0.125)} of the 1,200 substitutions of one base make or break a site")
    assert f"of the 2,400 other substitutions at the same places {percent(0.0625, 1)} would: a site alone" in measured
    assert "Indels and substitutions of several bases are left out" in measured
    assert no_variant.startswith("Task u: no variant is a substitution of one base")
    assert no_pattern.startswith("Task v: no pattern is supported")
    assert MISSING not in measured + no_variant + no_pattern


def test_without_variants_there_is_no_section(tmp_path):
    assert variants_section.section(Experiment(tmp_path, tmp_path / "report.html", {}, [])) is None
