"""The page when the verdict chooses no candidate: it says so, says why, and shows no empty table or plot."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from lucidna.attribution.hdf5 import write_attributions
from lucidna.files import read_tsv, write_json, write_tsv
from lucidna.report import attribution_section, summary_section, truth_section
from lucidna.report.collect import Experiment
from lucidna.report.page import write_report

from .made_up import LENGTH, PLACE, make_candidates

NOTE = "nobody was chosen, so nothing was mapped"
VERDICT = {
    "status": "none",
    "chosen": [],
    "text": "No candidate is chosen: none can be believed.",
    "notices": ["Only 43 regions were compared."],
    "failed": [{"id": "f-1", "reason": "its training failed"}],
    "gated": [{"id": f"g-{i}", "reason": "its validation pearson does not exceed chance"} for i in range(6)],
    "vetoed": [{"id": f"v-{i}", "reason": "its c_cos 0.1 is not above 0.2"} for i in range(3)],
}


def empty(root: Path) -> None:
    """Take the regions out of the attribution files, and what was found in them out of the tables."""
    for path in root.joinpath(*PLACE).glob("*.attributions.h5"):
        write_attributions(
            path,
            lambda part: None,
            region_ids=[],
            length=LENGTH,
            prediction=np.zeros(0),
            convergence_delta=np.zeros(0),
            map_scale=1.0,
            attributes={"method": path.name.split(".")[0], "candidates": [], "note": NOTE},
        )
        path.with_name(path.name.replace("attributions.h5", "regions.bed")).write_text("")
    folder = root / "motifs" / PLACE[1] / PLACE[2]
    for name in ("patterns.tsv", "matches.tsv", "hits.tsv"):
        write_tsv(folder / name, read_tsv(folder / name).head(0))


@pytest.fixture
def none_chosen(written, tmp_path) -> tuple[Path, dict]:
    root = tmp_path / "made-up"
    shutil.copytree(written[0], root)
    empty(root)
    write_json(root / "rank" / "verdict.json", VERDICT)
    return root, written[1] | {"truth_dir": root / "simulate" / "truth"}


def sections(root: Path, arguments: dict) -> dict[str, str]:
    """Write the page and cut it into its sections."""
    write_report(root, root / "report" / "report.html", **arguments)
    text = (root / "report" / "report.html").read_text(encoding="utf-8")
    return dict(re.findall(r'<section id="(\w+)">(.*?)</section>', text, flags=re.S))


def test_the_top_says_that_why_and_what_to_do(none_chosen):
    top = sections(*none_chosen)["summary"]
    assert '<div class="verdict poor"><p class="status">No candidate was chosen</p>' in top
    assert VERDICT["text"] in top
    assert "<code>g-0</code> below the gate: its validation pearson does not exceed chance" in top
    assert "<code>grid.seeds</code>" in top
    assert "<code>attribution.models</code>" in top
    assert "Only 43 regions were compared." in top
    # Nothing was sought: that no pattern was found would be something else.
    assert "patterns" not in top
    assert "<dt>delivered</dt><dd>0</dd>" in top


def test_no_section_has_an_empty_table_or_plot(none_chosen):
    shown = sections(*none_chosen)
    for name in ("attribution", "motifs", "hits"):
        assert "<table" not in shown[name]
        assert "<svg" not in shown[name]
        assert NOTE[1:] in shown[name]
    assert "Planted motifs" not in shown["truth"]
    assert "Maps of each candidate on its validation regions" in shown["truth"]
    for name in ("ranking", "training", "provenance"):
        assert shown[name].count("<table") >= 1
    assert "none has a rank" in shown["ranking"]


def test_reasons_are_listed_up_to_a_number(none_chosen):
    context = {"verdict": VERDICT}
    experiment = Experiment(none_chosen[0], none_chosen[0] / "r.html", {}, make_candidates())
    top = summary_section.section(experiment, context, {"failed": []}, {"blocks": []}, unmapped=NOTE)
    assert len(top["reasons"]) == summary_section.MOST_REASONS
    assert len(top["reasons"]) + top["unlisted"] == 10
    assert dict(top["numbers"])["candidates"] == "12"
    assert dict(top["numbers"])["controls"] == "2"
    assert "bias controls" not in dict(top["numbers"])
    # One that is not ranked is counted by itself, as the verdict counts.
    bias = {**make_candidates()[0], "id": "external-naked", "control": "bias"}
    experiment = Experiment(none_chosen[0], none_chosen[0] / "r.html", {}, [*make_candidates(), bias])
    numbers = summary_section.key_numbers(experiment, VERDICT, {"failed": []}, {"blocks": []})
    assert numbers[:3] == [("candidates", "12"), ("controls", "2"), ("bias controls", "1")]


def test_maps_of_named_candidates_are_shown_with_a_warning(none_chosen, written):
    root, arguments = none_chosen
    shutil.rmtree(root / "attribute")
    shutil.copytree(written[0] / "attribute", root / "attribute")
    shown = sections(root, arguments)
    assert "No candidate was chosen" in shown["summary"]
    assert "the verdict supports none of them" in shown["summary"]
    assert "Or look all the same" not in shown["summary"]
    assert "<svg" in shown["attribution"]


def test_when_all_failed_more_training_is_not_the_advice():
    failed = {"status": "none", "failed": VERDICT["failed"], "gated": [], "vetoed": []}
    assert "grid.seeds" not in "".join(summary_section.advice(failed, unmapped=True))
    assert "grid.seeds" in "".join(summary_section.advice(VERDICT, unmapped=True))


def test_a_chosen_candidate_needs_no_reason(written):
    top = sections(*written)["summary"]
    assert "What to do" not in top
    assert re.search(r'<p class="status">(Chosen|Cannot separate)</p>', top)


def test_ids_stand_out_and_the_text_stays_escaped():
    text = summary_section.with_ids("a<b: cnn-1 beats cnn-12, not cnn-2.", ["cnn-1", "cnn-12"])
    assert text == "a&lt;b: <code>cnn-1</code> beats <code>cnn-12</code>, not cnn-2."
    assert summary_section.with_ids("<i>", []) == "&lt;i&gt;"
    assert summary_section.with_ids("candidates (a).", ["a"]) == "candidates (<code>a</code>)."


def test_why_there_is_no_map_is_read_from_the_files(none_chosen, written, tmp_path):
    def experiment(root):
        return Experiment(root, root / "r.html", written[1]["config"], [])

    assert attribution_section.why_unmapped(experiment(none_chosen[0])) == f"N{NOTE[1:]}."
    assert attribution_section.why_unmapped(experiment(written[0])) == ""
    assert attribution_section.why_unmapped(experiment(tmp_path)) == ""


def test_one_candidate_is_not_drawn_against_the_truth(written):
    root, arguments = written
    for candidates, drawn in ((make_candidates()[:1], 0), (make_candidates()[:4], 1)):
        experiment = Experiment(
            root, root / "r.html", arguments["config"], candidates, truth=root / "simulate" / "truth"
        )
        titles = [title for title, _ in truth_section.section(experiment)["figures"]]
        assert titles.count("The ranking against the truth") == drawn
