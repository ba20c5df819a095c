"""The page of maps that were made elsewhere: no ranking, no training, hits perhaps without a q-value."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lucidna.attribution.hdf5 import AttributionFile, write_attributions
from lucidna.files import read_tsv, write_json, write_tsv
from lucidna.motifs.null import SUPPORTED
from lucidna.report.hits_section import hits_table
from lucidna.report.maps import map_strengths, open_map, pick_regions
from lucidna.report.motifs_section import key_numbers
from lucidna.report.page import write_report

from .made_up import PLACE

CONFIG = {"experiment": "theirs", "maps": {"a": {}}, "motifs": {"fdr": 0.1, "hits": {"trim": 0.3}}}


@pytest.fixture
def theirs(written, tmp_path) -> Path:
    """The first method's maps of the made-up experiment as given ones, with its motifs, and nothing else."""
    root = tmp_path / "theirs"
    folder = root.joinpath(*PLACE)
    folder.mkdir(parents=True)
    shutil.copytree(written[0] / "motifs", root / "motifs")
    source = sorted(written[0].joinpath(*PLACE).glob("*.attributions.h5"))[0]
    with AttributionFile(source) as file:
        whole = file.read()
        unknown = np.full(len(file), np.nan)
        write_attributions(
            folder / "given.attributions.h5",
            lambda rows: type(whole)(*(part[rows] for part in whole)),
            region_ids=file.region_ids,
            length=file.length,
            prediction=unknown,
            convergence_delta=unknown,
            map_scale=1.0,
            attributes={"method": "given", "sources": {"a.npz": "0" * 64}},
        )
    record = {"n_regions": 7, "shuffled": False, "sources": {"a.npz": "0" * 64}, "notices": ["maps.a: few maps"]}
    write_json(folder / "given.summary.json", record)
    write_json(folder / "null0.given.summary.json", record | {"shuffled": True, "notices": []})
    hits = root / "motifs" / PLACE[1] / PLACE[2] / "hits.tsv"
    write_tsv(hits, read_tsv(hits).assign(q_value=np.nan))
    return root


def test_the_page_has_what_there_is_and_names_what_is_not(theirs):
    arguments = {"config": CONFIG, "config_text": "maps: {}", "candidates": [], "examples": 2}
    write_report(theirs, theirs / "report" / "report.html", **arguments)
    text = (theirs / "report" / "report.html").read_text(encoding="utf-8")
    assert re.findall(r'<section id="(\w+)">', text) == ["summary", "attribution", "motifs", "hits", "provenance"]
    shown = dict(re.findall(r'<section id="(\w+)">(.*?)</section>', text, flags=re.S))
    for words in ("Maps made elsewhere", "No network is at hand", "variants", "<dt>maps</dt><dd>7</dd>", "maps.a: few"):
        assert words in shown["summary"]
    assert "hits, q" not in shown["summary"]
    assert "instances, q" not in shown["summary"]
    assert "made elsewhere and are shown as they were given: a.npz." in shown["attribution"]
    assert shown["attribution"].count('<figure class="example">') == 2
    assert "highest contribution</figcaption>" in shown["attribution"]
    assert "standard deviation over the candidates" not in shown["attribution"]
    assert "q ≤" not in shown["hits"].split("<figcaption>Hits</figcaption>")[1].split("</thead>")[0]
    assert "Hits have no q-value" in shown["hits"]
    assert "shuffled copies" not in shown["hits"]
    assert "0" * 64 in shown["provenance"]
    assert "data/regions.tsv" not in shown["provenance"]


def test_regions_are_picked_by_contribution_where_no_prediction_is_known(theirs):
    file = open_map(theirs.joinpath(*PLACE) / "given.attributions.h5")
    with AttributionFile(file.path) as handle:
        block = handle.read()
    sums = np.abs((block.maps * block.onehot).sum(axis=1)).sum(axis=1)
    np.testing.assert_allclose(map_strengths(file.path), sums, rtol=1e-5)
    picked = pick_regions(file, [], examples=3)
    assert picked[0] == (file.region_id[int(sums.argmax())], "highest contribution")
    assert picked[-1] == (file.region_id[int(sums.argmin())], "lowest contribution")


def test_no_q_value_is_not_a_count_of_none():
    hits = pd.DataFrame({"pattern": ["a", "a"], "region_id": ["r", "s"], "q_value": [0.01, 0.5]})
    hits["label"] = SUPPORTED
    assert key_numbers(None, hits, fdr=0.1)["instances, q ≤ 0.1"] == 1
    assert key_numbers(None, hits.head(0), fdr=0.1)["instances, q ≤ 0.1"] == 0
    unknown = hits.assign(q_value=np.nan)
    assert "instances, q ≤ 0.1" not in key_numbers(None, unknown, fdr=0.1)
    found = [column.label for column in hits_table(unknown, fdr=0.1).columns]
    assert found == ["pattern", "against the null", "all called", "regions with a hit"]
    assert len(hits_table(hits, fdr=0.1).columns) == 8
