from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from lucidna.config import validate
from lucidna.errors import UserError
from lucidna.planning import check_models, check_output_folder, input_files, task_names

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def config(monkeypatch, tmp_path) -> dict:
    (tmp_path / "config").mkdir()
    for name in ("config.yaml", "demo_tracks.tsv"):
        (tmp_path / "config" / name).write_text((ROOT / "config" / name).read_text())
    monkeypatch.chdir(tmp_path)
    return validate(yaml.safe_load(Path("config/config.yaml").read_text()))


def test_simulated_files_need_not_exist_yet_and_others_must(config):
    files = input_files(config)
    assert files["genome"] == ["results/demo/simulate/genome.fa"]
    assert files["tracks"] == ["results/demo/simulate/accessibility.bw"]
    assert files["controls"] == files["blacklist"] == files["sequences"] == []
    del config["simulate"]
    with pytest.raises(UserError, match=r"genome\.fasta: there is no file 'results/demo"):
        input_files(config)


def test_tracks_of_a_sheet_are_checked_with_their_name(config, tmp_path):
    (tmp_path / "t.tsv").write_text("name\tbigwig\tcontrol\na\tnowhere.bw\t\n")
    config["tracks"] = str(tmp_path / "t.tsv")
    with pytest.raises(UserError, match=r"t\.tsv, line 2: bigwig nowhere\.bw is not there"):
        input_files(config)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "not in MEME format"),
        ("MEME version 4\n", "holds no motif"),
        ("MEME version 4\nMOTIF a\nletter-probability matrix: w= 2\n0.1 0.2 0.3 0.4\n", "no complete matrix"),
        ("MEME version 4\nMOTIF a\nletter-probability matrix: w= 1\n1 2 3 4\n", "line 4: the row sums to 10"),
    ],
)
def test_a_database_is_read_before_any_job(config, tmp_path, text, match):
    config["motifs"]["database"] = str(tmp_path / "motifs.meme")
    with pytest.raises(UserError, match=r"motifs\.database: there is no file"):
        input_files(config)
    (tmp_path / "motifs.meme").write_text(text)
    with pytest.raises(UserError, match=match) as error:
        input_files(config)
    assert "motifs.meme" in str(error.value)
    (tmp_path / "motifs.meme").write_text("MEME version 4\nMOTIF a\nletter-probability matrix: w= 1\n0 0 0 1\n")
    assert input_files(config)["database"] == [str(tmp_path / "motifs.meme")]


@pytest.mark.parametrize("text", ["", "name\tbigwig\n", "nom\tbigwig\na\tb\n", "name\tbigwig\na b\tc.bw\n"])
def test_bad_sheets_are_refused(config, tmp_path, text):
    (tmp_path / "t.tsv").write_text(text)
    config["tracks"] = str(tmp_path / "t.tsv")
    with pytest.raises(UserError, match=r"t\.tsv"):
        task_names(config)


def test_tasks_follow_the_target(config, tmp_path):
    assert task_names(config) == ["accessibility"]
    assert task_names({**config, "target": "binary"}) == ["peak"]
    config["attribution"]["tasks"] = ["accesibility"]
    with pytest.raises(UserError, match="the tasks are accessibility"):
        task_names(config)
    table = tmp_path / "mpra.tsv"
    table.write_text("id\tsequence\tdev\tnote\thk\na\tACGT\t1\tx\t2\nb\tACGT\t\ty\t0.5\n")
    sequences = {"table": str(table), "id": "id", "sequence": "sequence", "activities": None, "group": None}
    config["attribution"]["tasks"] = "all"
    assert task_names({**config, "sequences": sequences}) == ["dev", "hk"]


def test_an_output_folder_in_whose_way_a_file_stands(tmp_path):
    check_output_folder(str(tmp_path / "results" / "x"))
    (tmp_path / "results").write_text("")
    with pytest.raises(UserError, match="not writable"):
        check_output_folder(str(tmp_path / "results" / "x"))


def test_a_full_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(total=10**9, free=4096))
    with pytest.raises(UserError, match=r"results/x has 4096 bytes free, the disk is full.*--directory"):
        check_output_folder("results/x")
    # Some file systems do not know their size.
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(total=0, free=0))
    check_output_folder("results/x")


def test_models_that_the_config_names_are_candidates():
    check_models("chosen", [])
    check_models(["cnn-s0-12345678"], ["cnn-s0-12345678"])
    with pytest.raises(
        UserError, match=r"'attribution\.models' names 'cnn-s0-1234567', .*did you mean 'cnn-s0-12345678'"
    ):
        check_models(["cnn-s0-1234567"], ["cnn-s0-12345678"])


def test_a_loss_that_compares_tasks_needs_two(config):
    assert len(task_names(config)) == 1
    config["grid"]["trainer"]["loss"] = "cosine_mse"
    with pytest.raises(UserError, match=r"'grid\.trainer\.loss' is 'cosine_mse', .* there is one, '\w+': use mse"):
        task_names(config)
    sheet = Path(config["tracks"])
    row = sheet.read_text().splitlines()[1]
    sheet.write_text(sheet.read_text().rstrip() + "\n" + row.replace(row.split("\t")[0], "second", 1) + "\n")
    assert task_names(config)[1] == "second"
