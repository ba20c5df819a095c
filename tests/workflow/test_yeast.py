"""From a real genome, real peaks and a real bigWig to the report: config/yeast.yaml, cut down to four chromosomes."""

import contextlib
import gzip
import hashlib
import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyBigWig
import pytest
import yaml

from lucidna.config import validate
from lucidna.grid import expand_grid

from .conftest import ROOT, Workflow

LINKS = "../shared/data"
TRAIN, VALID, TEST = ["chrIV", "chrXII"], ["chrVII"], ["chrXV"]
KEPT = TRAIN + VALID + TEST


def relinked(value, data: Path):
    """Let the paths of the project's configuration begin at the data, not at the folder that it is run in."""
    if isinstance(value, dict):
        return {key: relinked(entry, data) for key, entry in value.items()}
    if isinstance(value, list):
        return [relinked(entry, data) for entry in value]
    return value.replace(LINKS, str(data)) if isinstance(value, str) else value


class Yeast:
    """The finished run, and its inputs read by other means than the library's."""

    def __init__(self, workflow: Workflow, config: dict, candidates: dict):
        self.config, self.candidates = config, candidates
        self.results = workflow.folder / "results" / config["experiment"]
        self.rows = self.table("data/rows.tsv")
        columns = ["chrom", "start", "end", "name", "score", "strand", "signal", "p", "q", "summit"]
        self.peaks = pd.read_csv(config["regions"]["peaks"], sep="\t", names=columns)
        self.peaks["centre"] = self.peaks["start"] + self.peaks["summit"]
        with gzip.open(config["genome"]["fasta"], "rt") as handle:
            records = [record.split("\n", 1) for record in handle.read().split(">")[1:]]
        self.genome = {head.split()[0]: text.replace("\n", "").upper() for head, text in records}
        sheet = pd.read_csv(workflow.folder / config["tracks"], sep="\t", comment="#")
        self.bigwig = sheet["bigwig"].item()

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.results / name, sep="\t")

    def json(self, name: str):
        return json.loads((self.results / name).read_text())

    def arrays(self, name: str) -> np.ndarray:
        return np.load(self.results / "data" / name, mmap_mode="r")

    def windows(self, length: int) -> list[str]:
        pairs = zip(self.rows["chrom"], self.rows["summit"], strict=True)
        return [self.genome[chrom][centre - length // 2 : centre - length // 2 + length] for chrom, centre in pairs]


@pytest.fixture(scope="module")
def yeast(shared_data, tmp_path_factory) -> Yeast:
    workflow = Workflow(tmp_path_factory.mktemp("yeast"))
    config = relinked(yaml.safe_load((ROOT / "config" / "yeast.yaml").read_text()), shared_data)
    sheet = (ROOT / config["tracks"]).read_text().replace(LINKS, str(shared_data))
    (workflow.folder / "tracks.tsv").write_text(sheet)
    sizes = pd.read_csv(shared_data / "genome" / "sacCer3.chrom.sizes", sep="\t", names=["chrom", "size"])
    config["tracks"] = "tracks.tsv"
    config["regions"]["exclude_chromosomes"] = [name for name in sizes["chrom"] if name not in KEPT]
    config["folds"] = {"fold0": {"valid": VALID, "test": TEST}}
    config["grid"].update(
        architectures={"cnn_shallow": {}}, recipes={"standard": ["standard"]}, seeds=[0, 1], controls=[]
    )
    config["grid"]["trainer"] = {"max_epochs": 3, "batch_size": 64, "learning_rate": 0.001}
    config["ranking"] = {"regions": 60, "bootstraps": 50}
    config["motifs"].update(method="saliency", seqlets=300, null_draws=1, permuted_draws=1, saturation=[])
    config["motifs"]["reproducibility"] = {"candidates": False, "methods": False}
    config["attribution"] = {"methods": {"saliency": {}}, "regions": "all"}
    with contextlib.chdir(workflow.folder):
        candidates = expand_grid(validate(json.loads(json.dumps(config))))
    config["attribution"]["models"] = list(candidates)  # whatever the ranking thinks of two networks of three epochs
    (workflow.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    workflow.run("--configfile", "config.yaml")
    return Yeast(workflow, config, candidates)


def test_every_peak_of_the_file_is_a_row_or_dropped_with_a_reason(yeast):
    peaks, window = yeast.peaks, yeast.config["window"]
    reach = window["input"] // 2 + window["jitter"]
    size = peaks["chrom"].map({name: len(letters) for name, letters in yeast.genome.items()})
    excluded = ~peaks["chrom"].isin(KEPT)
    edge = ~excluded & ((peaks["centre"] < reach) | (peaks["centre"] + reach > size))
    dropped = yeast.table("data/dropped.tsv")
    by_reason = dropped[dropped["role"] == "peak"].groupby("reason")["name"].agg(set).to_dict()
    assert by_reason.pop("excluded chromosome") == set(peaks.loc[excluded, "name"])
    assert by_reason.pop("edge", set()) == set(peaks.loc[edge, "name"])
    assert set(by_reason) <= {"outlier"}
    outliers = by_reason.get("outlier", set())
    assert len(outliers) <= 1
    rows = yeast.rows[yeast.rows["role"] == "peak"].set_index("name")
    kept = peaks[~excluded & ~edge & ~peaks["name"].isin(outliers)].set_index("name")
    assert len(kept) > 900
    assert set(rows.index) == set(kept.index)
    assert rows["summit"].to_dict() == kept["centre"].to_dict()


def test_the_mitochondrion_is_nowhere(yeast):
    assert (yeast.peaks["chrom"] == "chrM").sum() > 50
    assert set(yeast.rows["chrom"]) == set(KEPT)
    with pyBigWig.open(str(yeast.results / "attribute/peak/logit/saliency.mean.bw")) as track:
        assert track.chroms("chrM") == len(yeast.genome["chrM"])
        assert track.intervals("chrM") is None
        assert track.intervals("chrIV")


def test_folds_are_whole_chromosomes(yeast):
    regions = yeast.table("data/regions.tsv")
    found = {split: set(part["chrom"]) for split, part in regions.groupby("fold_fold0")}
    assert found == {"train": set(TRAIN), "valid": set(VALID), "test": set(TEST)}


def test_negatives_have_the_gc_of_peaks_and_touch_none(yeast):
    def share(text):
        return (text.count("G") + text.count("C")) / len(text)

    rows, negative = yeast.rows, (yeast.rows["role"] == "negative").to_numpy()
    length = yeast.config["window"]["input"]
    gc = np.array([share(window) for window in yeast.windows(length)])
    np.testing.assert_allclose(rows["gc"], gc, atol=1e-4)
    assert negative.sum() == yeast.config["regions"]["negatives"]["ratio"] * (~negative).sum()
    genome = share("".join(yeast.genome[chrom] for chrom in KEPT))
    assert abs(gc[~negative].mean() - gc[negative].mean()) < 0.005 < abs(gc[~negative].mean() - genome)
    deciles = np.arange(0.1, 1, 0.1)
    np.testing.assert_allclose(np.quantile(gc[negative], deciles), np.quantile(gc[~negative], deciles), atol=0.01)
    for chrom, part in rows[negative].groupby("chrom"):
        peaks = yeast.peaks[yeast.peaks["chrom"] == chrom]
        start, end = part["start"].to_numpy()[:, None], part["end"].to_numpy()[:, None]
        assert not ((start < peaks["end"].to_numpy()) & (end > peaks["start"].to_numpy())).any()


def test_arrays_hold_the_letters_and_the_signal_of_the_files(yeast):
    window = yeast.config["window"]
    codes = yeast.arrays("sequences.npy")
    length = window["input"] + 2 * window["jitter"]
    assert codes.shape == (len(yeast.rows), length)
    letters = np.array(list("ACGTN"))
    assert ["".join(letters[row]) for row in codes] == yeast.windows(length)
    signals = yeast.arrays("signals.npy")
    reach = window["output"] // 2 + window["jitter"]
    with pyBigWig.open(yeast.bigwig) as track:
        for index in range(0, len(yeast.rows), 50):
            chrom, centre = yeast.rows.loc[index, ["chrom", "summit"]]
            values = track.values(chrom, int(centre) - reach, int(centre) + reach, numpy=True)
            np.testing.assert_allclose(signals[index, 0], np.nan_to_num(values), rtol=1e-5)
    total, peak = signals[:, 0].sum(axis=1), (yeast.rows["role"] == "peak").to_numpy()
    assert np.median(total[peak]) > 3 * np.median(total[~peak])


def test_networks_are_better_than_chance_on_both_splits(yeast):
    """AUROC on about 230 peaks and 460 negatives: chance is 0.5 with a standard error of 0.023."""
    assert len(yeast.candidates) == 2
    for candidate in yeast.candidates:
        metrics = yeast.json(f"train/{candidate}/metrics.json")
        assert metrics["status"] == "ok"
        assert all(np.isfinite(metrics["valid"][name]) for name in ("loss", "auroc", "aupr"))
        assert 0.57 < metrics["valid"]["auroc"] < 1
    tested = yeast.table("report/test_metrics.tsv")
    assert set(tested["candidate"]) == set(yeast.candidates)
    assert tested["auroc"].between(0.55, 1, inclusive="neither").all()


def test_maps_are_of_every_peak_and_not_all_alike(yeast):
    peaks = yeast.rows[yeast.rows["role"] == "peak"]
    with h5py.File(yeast.results / "attribute/peak/logit/saliency.attributions.h5") as file:
        assert [name.decode() for name in file["region_id"][:]] == peaks["region_id"].tolist()
        assert json.loads(file.attrs["candidates"]) == list(yeast.candidates)
        maps = file["projected_shap/seq"][:].astype(np.float32).sum(axis=1)
    assert maps.shape == (len(peaks), yeast.config["window"]["input"])
    assert np.isfinite(maps).all()
    assert (np.ptp(maps, axis=1) > 0).all()


def test_the_report_names_the_data_by_their_digests(yeast):
    page = (yeast.results / "report" / "report.html").read_text()
    assert yeast.config["report"]["title"] in page
    for path in (yeast.config["genome"]["fasta"], yeast.config["regions"]["peaks"], yeast.bigwig):
        assert hashlib.sha256(Path(path).read_bytes()).hexdigest() in page, path
    assert "excluded" in page
    assert yeast.json("data/dataset.json")["digest"]
