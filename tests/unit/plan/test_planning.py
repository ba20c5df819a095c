from pathlib import Path

import pytest
import yaml

from lucidna.config import validate
from lucidna.errors import UserError
from lucidna.planning import check_output_folder, input_files, task_names

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
    with pytest.raises(UserError, match=r"track 'a', column bigwig: there is no file 'nowhere\.bw'"):
        input_files(config)


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
    table.write_text("id\tsequence\tdev\thk\n")
    sequences = {"table": str(table), "id": "id", "sequence": "sequence", "activities": None, "group": None}
    config["attribution"]["tasks"] = "all"
    assert task_names({**config, "sequences": sequences}) == ["dev", "hk"]


def test_an_output_folder_in_whose_way_a_file_stands(tmp_path):
    check_output_folder(str(tmp_path / "results" / "x"))
    (tmp_path / "results").write_text("")
    with pytest.raises(UserError, match="not writable"):
        check_output_folder(str(tmp_path / "results" / "x"))
