import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

import lucidna
from lucidna.errors import UserError
from lucidna.files import read_tsv, write_json, write_tsv
from lucidna.report.page import write_report

from .made_up import make_candidates

VOID = {"meta", "br", "input", "img", "link", "hr"}
SECTIONS = ["summary", "ranking", "training", "attribution", "motifs", "hits", "truth", "provenance"]


class Reader(HTMLParser):
    """Checks that tags nest, and gathers ids, addresses, text and the number of rows of every table."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.addresses, self.words, self.tags = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href", "xlink:href", "srcset", "data", "action"):
                self.addresses.append(value)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_page_parses_and_has_every_section_in_order(page):
    reader = read(page)
    assert [name for name in reader.ids if name in SECTIONS] == SECTIONS
    assert len(reader.ids) == len(set(reader.ids))


def test_page_needs_nothing_else(page):
    reader = read(page)
    assert "link" not in reader.tags
    assert not {"img", "iframe", "object"} & set(reader.tags)
    for address in reader.addresses:
        assert not re.match(r"(https?:)?//", address), address
    # The only address of another machine is the name of the SVG standard.
    assert set(re.findall(r"https?://[^\"'\s<>]+", page)) <= {"http://www.w3.org/2000/svg"}
    assert "@import" not in page
    assert "url(" not in page
    assert "default-src 'none'" in page
    assert len(page.encode()) < 5_000_000


def test_links_lead_to_files(written, page):
    root, _ = written
    files = [address for address in read(page).addresses if not address.startswith("#")]
    assert len(files) > 10
    for address in files:
        assert (root / "report" / unquote(address)).is_file(), address
    anchors = {address[1:] for address in read(page).addresses if address.startswith("#")}
    assert anchors <= set(read(page).ids)


def test_numbers_of_the_files_are_on_the_page(written, page):
    root, _ = written
    words = " ".join(read(page).words)
    panel = read_tsv(root / "rank" / "panel.tsv")
    for row in panel.dropna().itertuples():
        assert f"{row.prediction:.3f} [{row.prediction_lo:.3f}, {row.prediction_hi:.3f}]".replace("-", "−") in words
    test = read_tsv(root / "report" / "test_metrics.tsv")
    for value in test["pearson"]:
        assert f"{value:.3f}".replace("-", "−") in words
    for text in (
        "TGACTCA",
        "GC box (3.0×10⁻⁴)",
        "supported",
        "as in the null",
        "ab" * 32,
        "ef" * 32,
        "640 MiB",
    ):
        assert text in words
    assert "the loss became NaN at epoch 4" in words
    assert "its c_cos 0.501 is not above 0.512" in words
    assert "one fold only: nothing is known about other chromosomes" in words
    assert "Test split" in words
    assert "Validation split" in words


def test_every_candidate_is_in_the_panel_and_points_are_reachable(page):
    for candidate in make_candidates():
        assert f'<tr data-key="{candidate["id"]}"' in page
    points = re.findall(r'<g class="point [^>]*>', page)
    assert len(points) > 50
    assert all('tabindex="0"' in point and 'aria-label="' in point for point in points)


def test_same_files_give_the_same_bytes(written, tmp_path):
    root, arguments = written
    first = (root / "report" / "report.html").read_bytes()
    shutil.copytree(root, tmp_path / "made-up")
    again = tmp_path / "made-up" / "report" / "report.html"
    arguments = arguments | {"truth_dir": tmp_path / "made-up" / "simulate" / "truth"}
    write_report(tmp_path / "made-up", again, **arguments)
    assert again.read_bytes() == first


def test_empty_experiment_says_so_in_words(tmp_path, written):
    root = tmp_path / "results" / "empty"
    root.mkdir(parents=True)
    arguments = {name: value for name, value in written[1].items() if name != "truth_dir"}
    write_report(root, root / "report.html", **arguments)
    reader = read((root / "report.html").read_text())
    words = " ".join(reader.words)
    assert [name for name in reader.ids if name in SECTIONS] == [name for name in SECTIONS if name != "truth"]
    for text in (
        "No verdict was written",
        "No panel was found",
        "No training history was found",
        "No metric of the test split",
        "No attribution map was made",
        "No motif was sought",
        "No digest of an input file",
        "time and memory are not reported",
    ):
        assert text in words


def test_no_pattern_and_no_candidate_are_no_error(tmp_path, written):
    root = tmp_path / "made-up"
    shutil.copytree(written[0], root)
    folder = root / "motifs" / "accessibility" / "counts"
    for name in ("patterns.tsv", "matches.tsv", "hits.tsv"):
        write_tsv(folder / name, read_tsv(folder / name).head(0))
    write_json(folder / "summary.json", {"notices": ["no seqlets passed the threshold"]})
    for name in ("panel.tsv", "ranking.tsv"):
        write_tsv(root / "rank" / name, read_tsv(root / "rank" / name).head(0))
    write_json(root / "rank" / "verdict.json", {"status": "none", "text": "None can be believed.", "chosen": []})
    arguments = written[1] | {"candidates": [], "truth_dir": root / "simulate" / "truth"}
    write_report(root, root / "report.html", **arguments)
    words = " ".join(read((root / "report.html").read_text()).words)
    assert "No pattern was found" in words
    assert "No seqlets passed the threshold." in words
    assert "No hit was called" in words
    assert "No candidate was chosen" in words


def test_hostile_text_is_escaped(tmp_path, written):
    root = tmp_path / "made-up"
    shutil.copytree(written[0], root)
    bad = "\"><script>alert(1)</script><b title='&"
    write_json(root / "rank" / "verdict.json", {"status": bad, "text": bad, "chosen": [bad], "notices": [bad]})
    panel = read_tsv(root / "rank" / "panel.tsv")
    panel.loc[0, "id"] = bad
    write_tsv(root / "rank" / "panel.tsv", panel)
    matches = read_tsv(root / "motifs" / "accessibility" / "counts" / "matches.tsv")
    matches["motif"] = bad
    write_tsv(root / "motifs" / "accessibility" / "counts" / "matches.tsv", matches)
    arguments = written[1] | {"title": bad, "config_text": bad, "truth_dir": None}
    write_report(root, root / "report.html", **arguments)
    text = (root / "report.html").read_text()
    reader = read(text)
    assert reader.tags.count("script") == 1
    assert "<script>alert" not in text
    assert any(bad in word for word in reader.words)


def test_the_page_is_written_without_the_deep_learning_stack():
    code = "import lucidna.report.page, sys; sys.exit(bool({'torch', 'modiscolite'} & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": str(Path(lucidna.__file__).parents[1])}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def test_missing_folder_and_missing_template_are_user_errors(tmp_path, written):
    with pytest.raises(UserError, match="run the workflow first"):
        write_report(tmp_path / "nowhere", tmp_path / "a.html", **written[1])
    with pytest.raises(UserError, match="resources_dir"):
        write_report(written[0], tmp_path / "a.html", **written[1], resources_dir=tmp_path)
    (tmp_path / "rank").mkdir()
    (tmp_path / "rank" / "verdict.json").write_text("{not json")
    with pytest.raises(UserError, match=r"verdict\.json is not JSON"):
        write_report(tmp_path, tmp_path / "a.html", **written[1])
    assert not (tmp_path / "a.html").exists()
