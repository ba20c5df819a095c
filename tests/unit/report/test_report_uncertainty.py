"""The predicted uncertainty of distilled networks on the page; nothing where there is none."""

import copy

from lucidna.files import read_json, write_json
from lucidna.report import uncertainty_section
from lucidna.report.page import write_report

from .made_up import make_candidates


def record(value: float, fifths: list) -> dict:
    names = ("error", "spread", "members_error")
    correlations = {name: {"value": value, "lo": value - 0.1, "hi": value + 0.1} for name in names}
    return {"members": 5, "confidence": None, **correlations, "fifths": fifths}


def test_nothing_without_a_distilled_candidate(page):
    metrics = {candidate["id"]: {"status": "ok"} for candidate in make_candidates()}
    assert uncertainty_section.section(make_candidates(), metrics) is None
    assert uncertainty_section.section(make_candidates(), dict.fromkeys(metrics)) is None
    assert "Predicted uncertainty" not in page


def test_table_and_figure_show_the_candidates_that_predict_a_variance():
    first, second, *_ = candidates = make_candidates()
    metrics = {candidate["id"]: {"status": "ok"} for candidate in candidates}
    metrics[first["id"]]["uncertainty"] = record(0.31, [0.01, 0.02, 0.03, 0.04, 0.05])
    metrics[second["id"]]["uncertainty"] = record(-0.2, [0.05, 0.02, 0.03, 0.04, None])
    unknown = dict.fromkeys(("value", "lo", "hi"))
    metrics[second["id"]]["uncertainty"]["spread"] = unknown
    context = uncertainty_section.section(candidates, metrics)
    rows = [[str(cell.text) for cell in row] for row in context["table"].rows]
    assert [row[0] for row in rows] == [first["id"], second["id"]]
    assert rows[0][1:] == ["5", "0.31 [0.21, 0.41]", "0.31 [0.21, 0.41]", "0.31 [0.21, 0.41]", "0.010", "0.050"]
    assert rows[1][2:4] == ["−0.20 [−0.30, −0.10]", "–"]
    assert rows[1][5:] == ["0.050", "–"]
    assert "p (1 − p)" not in context["lead"]
    assert "p (1 − p) alone" not in [column.label for column in context["table"].columns]
    assert context["figure"].count('class="curve') == 2


def test_labels_are_compared_with_the_prediction_alone():
    candidate = make_candidates()[0]
    confidence = {"value": 0.52, "lo": 0.42, "hi": 0.62}
    metrics = {candidate["id"]: {"uncertainty": {**record(0.31, [0.1] * 5), "confidence": confidence}}}
    context = uncertainty_section.section([candidate], metrics)
    labels = [column.label for column in context["table"].columns]
    assert str(context["table"].rows[0][labels.index("p (1 − p) alone")].text) == "0.52 [0.42, 0.62]"
    assert "p (1 − p)" in context["lead"]


def test_the_page_has_the_section(written, tmp_path):
    root, arguments = written
    arguments = copy.deepcopy(arguments)
    candidate = arguments["candidates"][0]["id"]
    path = root / "train" / candidate / "metrics.json"
    before = read_json(path)
    try:
        write_json(path, {**before, "uncertainty": record(0.31, [0.01, 0.02, 0.03, 0.04, 0.05])})
        write_report(root, tmp_path / "report.html", **arguments)
    finally:
        write_json(path, before)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Predicted uncertainty" in text
    assert "0.31 [0.21, 0.41]" in text
    assert "Squared error by predicted variance" in text
