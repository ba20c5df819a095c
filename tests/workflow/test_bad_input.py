"""What a user gets wrong: one sentence, a non-zero exit, nothing trained, earlier results untouched."""

import shutil
from pathlib import Path

import pytest
import yaml

from .conftest import ROOT, Workflow

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    """Simulated input files, as a user would bring them."""
    from lucidna.simulate import simulate

    folder = tmp_path_factory.mktemp("inputs")
    simulate(folder, seed=0, chromosomes={"chr1": 60_000, "chr2": 40_000, "chr3": 40_000}, peaks=90, difficulty="easy")
    return folder


@pytest.fixture
def user(inputs, tmp_path) -> tuple[Workflow, dict, Path]:
    """A workflow folder with its own copy of the inputs, and a config that is right."""
    workflow = Workflow(tmp_path / "run")
    data = workflow.folder / "data"
    shutil.copytree(inputs, data)
    (workflow.folder / "tracks.tsv").write_text("name\tbigwig\nsignal\tdata/accessibility.bw\n")
    config = yaml.safe_load((HERE / "tiny.yaml").read_text())
    del config["simulate"]
    config["genome"] = {"fasta": "data/genome.fa"}
    config["regions"]["peaks"] = "data/peaks.narrowPeak"
    config["motifs"]["database"] = "data/database.meme"
    return workflow, config, data


def run(workflow: Workflow, config: dict):
    (workflow.folder / "config.yaml").write_text(yaml.safe_dump(config))
    return workflow.run("--configfile", "config.yaml", check=False, timeout=300)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


CASES = {
    "unknown key": (lambda c, d: c.update(widnow={}), ["'widnow'", "did you mean 'window'"]),
    "missing file": (lambda c, d: c["genome"].update(fasta="data/nowhere.fa"), ["genome.fasta", "data/nowhere.fa"]),
    "no candidate": (lambda c, d: c["grid"].update(architectures={}), ["grid.architectures", "empty"]),
    "fold overlap": (lambda c, d: c["folds"]["fold0"].update(test=["chr2"]), ["folds", "fold0", "chr2"]),
    "output larger than input": (lambda c, d: c["window"].update(output=200), ["window.output", "200", "160"]),
    "not a bigWig": (lambda c, d: (d / "accessibility.bw").write_text("track\n"), ["accessibility.bw", "bigWig"]),
    "truncated bigWig": (lambda c, d: truncate(d / "accessibility.bw"), ["accessibility.bw", "truncated"]),
    "chromosome names": (lambda c, d: edit(d / "peaks.narrowPeak", "chr1\t", "1\t"), ["'1'", "chr1", "aliases"]),
    "empty BED": (lambda c, d: (d / "peaks.narrowPeak").write_text("track name=x\n"), ["peaks.narrowPeak"]),
    "fold without regions": (lambda c, d: c["folds"]["fold0"].update(test=["chr9"]), ["fold0", "chr9"]),
}


@pytest.mark.parametrize("case", CASES)
def test_one_sentence_and_nothing_trained(user, case):
    workflow, config, data = user
    change, words = CASES[case]
    change(config, data)
    earlier = workflow.folder / "results" / "tiny" / "data" / "rows.tsv"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("earlier result")
    done = run(workflow, config)
    assert done.returncode != 0
    lines = [line for line in done.stdout.splitlines() if all(word in line for word in words)]
    assert lines, done.stdout[-3000:]
    assert "Traceback" not in done.stdout
    assert earlier.read_text() == "earlier result"
    assert not list((workflow.folder / "results" / "tiny" / "train").glob("*/metrics.json"))
    assert not (workflow.folder / "logs" / "tiny" / "train").exists()


def test_a_file_in_the_way_of_the_results(user):
    workflow, config, _ = user
    (workflow.folder / "results").write_text("")
    done = run(workflow, config)
    assert done.returncode != 0
    assert "not writable" in done.stdout
    assert (workflow.folder / "results").read_text() == ""


def test_the_project_has_no_path_of_this_machine():
    shown = [ROOT / "Snakefile", *(ROOT / "workflow").rglob("*.smk"), *(ROOT / "config").glob("*")]
    for path in shown:
        assert str(ROOT) not in path.read_text(), path
