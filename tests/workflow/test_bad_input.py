"""What a user gets wrong: one sentence at the end, a non-zero exit, nothing trained, earlier results untouched.

Every mistake is made in the folder of a run whose data are ready, and the whole workflow is asked for. The same
mistakes, and rarer ones, are tested on the functions that find them: in tests/unit/plan (test_config, test_planning,
test_grid: what ends the run before any job) and tests/unit/data (test_checks, test_intervals, test_tracks, test_sheet,
test_sequence_table, test_folds, test_extract: what the job check_inputs finds).
"""

import hashlib
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyBigWig
import pytest
import yaml

from .conftest import ROOT, Workflow

HERE = Path(__file__).parent
PEAKS, TRACK, GENOME = "data/peaks.narrowPeak", "data/accessibility.bw", "data/genome.fa"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """A folder with a user's own files, a config that is right, the arrays made from them and one training."""
    from lucidna.simulate import simulate

    workflow = Workflow(tmp_path_factory.mktemp("prepared"))
    sizes = {"chr1": 60_000, "chr2": 40_000, "chr3": 40_000}
    simulate(workflow.folder / "data", seed=0, chromosomes=sizes, peaks=90, difficulty="easy")
    (workflow.folder / "tracks.tsv").write_text(f"name\tbigwig\nsignal\t{TRACK}\n")
    config = yaml.safe_load((HERE / "tiny.yaml").read_text())
    del config["simulate"]
    config["genome"] = {"fasta": GENOME}
    config["regions"]["peaks"] = PEAKS
    config["motifs"]["database"] = "data/database.meme"
    config["variants"] = {"vcf": "data/variants.vcf"}
    write(workflow.folder, config)
    data, table = (f"results/tiny/{name}" for name in ("data/regions.tsv", "train/candidates.tsv"))
    workflow.run("--configfile", "config.yaml", "--", data, table)
    (workflow.folder / "results/tiny/train/earlier").mkdir()
    (workflow.folder / "results/tiny/train/earlier/metrics.json").write_text("{}")
    return workflow.folder


@pytest.fixture
def user(prepared, tmp_path) -> Workflow:
    """A copy of the prepared folder, with the times of its files."""
    return Workflow(shutil.copytree(prepared, tmp_path / "run"))


def write(folder: Path, config: dict) -> None:
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def configure(folder: Path, section: str | None = None, **values) -> None:
    config = yaml.safe_load((folder / "config.yaml").read_text())
    (config if section is None else config[section]).update(values)
    write(folder, config)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def add_peak(folder: Path, *fields) -> None:
    with (folder / PEAKS).open("a") as handle:
        print(*fields, "x", 0, ".", 1, -1, -1, 0, sep="\t", file=handle)


def drop_peaks(folder: Path, chrom: str) -> None:
    lines = (folder / PEAKS).read_text().splitlines(keepends=True)
    (folder / PEAKS).write_text("".join(line for line in lines if not line.startswith(f"{chrom}\t")))


def write_track(folder: Path, change) -> None:
    """Write the track anew with `change` applied to each chromosome's values."""
    with pyBigWig.open(str(folder / TRACK)) as track:
        values = {chrom: track.values(chrom, 0, size, numpy=True) for chrom, size in track.chroms().items()}
    values = {chrom: change(chrom, np.nan_to_num(numbers)) for chrom, numbers in values.items()}
    with pyBigWig.open(str(folder / TRACK), "w") as track:
        track.addHeader([(chrom, len(numbers)) for chrom, numbers in values.items()])
        for chrom, numbers in values.items():
            track.addEntries(chrom, 0, values=numbers.astype(float), span=1, step=1)


def nan_at(chrom, numbers):
    numbers[700] = float("nan") if chrom == "chr2" else 1
    return numbers


def spoil_letter(folder: Path) -> None:
    text = (folder / GENOME).read_text()
    start = text.index("\n") + 1
    (folder / GENOME).write_text(text[: start + 5] + "X" + text[start + 6 :])


def repeat_last_peak(folder: Path) -> None:
    (folder / PEAKS).write_text((folder / PEAKS).read_text() + (folder / PEAKS).read_text().splitlines()[-1] + "\n")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def blacklist_chr3(folder: Path) -> None:
    (folder / "black.bed").write_text("chr3\t0\t40000\n")
    configure(folder, "regions", blacklist="black.bed")


def spoil_vcf(folder: Path, old: str, new: str) -> None:
    """Change the file of variants; arrays that are due make the check read it, as in a first run."""
    edit(folder / "data/variants.vcf", old, new)
    (folder / "results/tiny/data/dataset.json").unlink()


def move_variants(folder: Path) -> None:
    lines = [line.split("\t") for line in (folder / "data/variants.vcf").read_text().splitlines()]
    moved = [
        [line[0], str(int(line[1]) + 1), *line[2:]] if len(line) > 1 and line[1].isdigit() else line for line in lines
    ]
    (folder / "data/variants.vcf").write_text("".join("\t".join(line) + "\n" for line in moved))


def fold0(**splits) -> dict:
    return {"fold0": {"valid": ["chr2"], "test": ["chr3"], **splits}}


# Found while the workflow is planned: no job runs.
AT_PLANNING = {
    "unknown config key": (lambda f: configure(f, widnow={}), ["'widnow'", "did you mean 'window'"]),
    "missing file": (lambda f: configure(f, genome={"fasta": "no.fa"}), ["genome.fasta", "'no.fa'", "mend the path"]),
    "missing bigWig": (lambda f: (f / TRACK).unlink(), ["tracks.tsv, line 2", TRACK, "correct the path"]),
    "fold overlap": (lambda f: configure(f, folds=fold0(test=["chr2"])), ["folds.fold0", "'chr2'", "both valid and"]),
    "grid with no candidate": (lambda f: configure(f, "grid", seeds=[]), ["grid.seeds", "empty"]),
    "output window larger than the input": (
        lambda f: configure(f, "window", output=200),
        ["window.output", "200", "window.input 160"],
    ),
    "broken motif database": (
        lambda f: edit(f / "data/database.meme", "\n0.", "\nO."),
        ["data/database.meme, line", "not four probabilities"],
    ),
    "empty motif database": (
        lambda f: (f / "data/database.meme").write_text(""),
        ["data/database.meme", "MEME format"],
    ),
}

# Found by the job that checks the inputs.
BY_THE_CHECK = {
    "not a bigWig": (lambda f: (f / TRACK).write_text("track\n"), [TRACK, "not a bigWig but a text file", "convert"]),
    "truncated bigWig": (lambda f: truncate(f / TRACK), [TRACK, "truncated", "copy it again"]),
    "chromosome names: 1 for chr1": (
        lambda f: edit(f / PEAKS, "chr1\t", "1\t"),
        [f"{PEAKS}, line 1", "'1'", "genome.aliases: {'1': 'chr1'}"],
    ),
    "chromosome names: chr1 for chrI": (
        lambda f: edit(f / GENOME, ">chr1\n", ">chrI\n"),
        [f"{PEAKS}, line 1", "'chr1'", "genome.aliases: {'chr1': 'chrI'}"],
    ),
    "region past the chromosome end": (
        lambda f: add_peak(f, "chr3", 41_000, 41_200),
        [f"{PEAKS}, line 91", "chr3:41000-41200", "past the end of chr3 (40000 bp)"],
    ),
    "window longer than the chromosome": (
        lambda f: configure(f, "window", input=70_000),
        ["window.input 70000", "chr1 with 60000 bp", "lower window.input"],
    ),
    "empty BED": (lambda f: (f / PEAKS).write_text("track name=x\n"), [PEAKS, "no intervals", "give a BED"]),
    "BED with start >= end": (
        lambda f: add_peak(f, "chr3", 300, 300),
        [f"{PEAKS}, line 91", "start 300 is not below the end 300"],
    ),
    "duplicate regions": (repeat_last_peak, [f"{PEAKS}: lines 90 and 91", "same region", "remove the repeats"]),
    "all-zero track": (
        lambda f: write_track(f, lambda chrom, numbers: numbers * 0),
        ["track signal", TRACK, "zero throughout chr1, chr2, chr3"],
    ),
    "NaN in a track": (lambda f: write_track(f, nan_at), [TRACK, "nan at chr2:700", "write it again"]),
    "track shorter than the genome": (
        lambda f: write_track(f, lambda chrom, numbers: numbers[:39_000] if chrom == "chr3" else numbers),
        [TRACK, "chr3 39000 bp, the genome 40000 bp", "different assemblies"],
    ),
    "non-ACGTN letters": (spoil_letter, [GENOME, "'X' at chr1:5", "replace it"]),
    "variants of another assembly": (
        lambda f: (move_variants(f), (f / "results/tiny/data/dataset.json").unlink()),
        ["data/variants.vcf", "the reference allele of", "is not the genome's", "give a VCF of the assembly"],
    ),
    "variants whose contigs have other names": (
        lambda f: spoil_vcf(f, "\nchr", "\n"),
        ["data/variants.vcf", "contig '1'", "genome.aliases: {'1': 'chr1'}"],
    ),
    "not a VCF": (lambda f: spoil_vcf(f, "##fileformat=VCFv4.2\n", ""), ["data/variants.vcf", "is not a VCF"]),
    "fold with no regions": (lambda f: drop_peaks(f, "chr3"), ["fold 'fold0'", "0 peaks", "test split (chr3)"]),
    "fold with no regions behind the filters": (blacklist_chr3, ["for blacklist", "fold 'fold0'", "test split (chr3)"]),
}

# Found when only the folds of a finished data set are others.
BY_THE_FOLDS = {
    "fold of no chromosome": (
        lambda f: configure(f, folds=fold0(test=["chr9"])),
        ["folds.fold0.test", "'chr9'", "no chromosome of the data"],
    ),
}


def files_below(folder: Path) -> dict[str, tuple[str, int]]:
    """Digest and time of every file but the marks of passed checks, which last until the job behind them is done."""
    return {
        str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "checked.json"
    }


def last_error(done: subprocess.CompletedProcess) -> str:
    """Return the one sentence, which stands in the last lines of the terminal."""
    assert done.returncode != 0, done.stdout[-3000:]
    assert "Traceback" not in done.stdout
    errors = [line for line in done.stdout.splitlines()[-5:] if line.startswith("error")]
    assert len(errors) == 1, done.stdout[-3000:]
    return errors[0]


def nothing_trained(workflow: Workflow) -> bool:
    return not (workflow.folder / "logs" / "tiny" / "train").exists()


@pytest.mark.parametrize("case", [*AT_PLANNING, *BY_THE_CHECK, *BY_THE_FOLDS])
def test_one_sentence_and_nothing_trained(user, case):
    mistake, words = {**AT_PLANNING, **BY_THE_CHECK, **BY_THE_FOLDS}[case]
    mistake(user.folder)
    earlier = files_below(user.folder / "results")
    done = user.run("--configfile", "config.yaml", check=False)
    sentence = last_error(done)
    assert not [word for word in words if word not in sentence], sentence
    assert ("rule " in done.stdout) == (case not in AT_PLANNING)
    assert files_below(user.folder / "results") == earlier
    assert nothing_trained(user)


def test_variants_that_change_when_the_arrays_are_there(user):
    earlier = user.folder / "results/tiny/variants/variants.tsv"
    earlier.parent.mkdir()
    earlier.write_text("")
    move_variants(user.folder)
    before = files_below(user.folder / "results")
    done = user.run("--configfile", "config.yaml", "--", str(earlier.relative_to(user.folder)), cores=1, check=False)
    assert "error in check_variants: variants.vcf data/variants.vcf: the reference allele of" in last_error(done)
    assert nothing_trained(user)
    assert files_below(user.folder / "results") == before


def test_a_mistake_stays_one_until_it_is_put_right_and_then_nothing_reruns(user):
    config = (user.folder / "config.yaml").read_text()
    configure(user.folder, "window", jitter=30_000)
    for _ in range(2):
        assert "window.jitter" in last_error(user.run("--configfile", "config.yaml", check=False))
    (user.folder / "config.yaml").write_text(config)
    data, table = (f"results/tiny/{name}" for name in ("data/regions.tsv", "train/candidates.tsv"))
    assert "Nothing to be done" in user.run("--configfile", "config.yaml", "--", data, table).stdout


def test_a_file_in_the_way_of_the_results(user):
    shutil.rmtree(user.folder / "results")
    (user.folder / "results").write_text("")
    done = user.run("--configfile", "config.yaml", check=False)
    assert "results/tiny is not writable" in last_error(done)
    assert (user.folder / "results").read_text() == ""


def run_on_a_disk_of_its_own(workflow: Workflow, options: str) -> subprocess.CompletedProcess:
    """Run with `results` on a small file system that ends with the command; skip where none can be mounted."""
    mount = f"mount -t tmpfs -o {options} none {workflow.folder / 'results'}"
    own = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if shutil.which("unshare") is None or subprocess.run([*own, mount], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here (unshare); tests/unit/plan/test_files.py has these errors too")
    command = workflow.command("--configfile", "config.yaml")
    return subprocess.run(
        [*own, f'{mount} && exec "$@"', "sh", *command],
        cwd=workflow.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_folder_that_cannot_be_written(user):
    done = run_on_a_disk_of_its_own(user, "ro")
    assert "results/tiny is not writable" in last_error(done)


def test_a_disk_that_is_full(user):
    done = run_on_a_disk_of_its_own(user, "size=100k")
    assert "results/tiny has" in last_error(done)
    assert "the disk is full" in last_error(done)


def test_a_disk_that_fills_up(user):
    configure(user.folder, "window", jitter=700)  # arrays of 1.4 MB
    done = run_on_a_disk_of_its_own(user, "size=1050k")
    assert "error in make_dataset: cannot write results/tiny/data/signals.npy: the disk is full" in last_error(done)
    assert nothing_trained(user)


def test_the_project_has_no_path_of_this_machine():
    shown = [ROOT / "Snakefile", *(ROOT / "workflow").rglob("*.smk"), *(ROOT / "config").glob("*")]
    for path in shown:
        assert str(ROOT) not in path.read_text(), path
