import errno
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lucidna.errors import UserError, nearest
from lucidna.files import atomic_path, existing_parent, read_json, read_tsv, sha256, write_json, write_tsv


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail_half_way():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_sentence(tmp_path):
    path = tmp_path / "a.txt"

    def fill():
        with atomic_path(path), Path("/dev/full").open("w") as full:
            full.write("x")

    with pytest.raises(UserError, match="disk is full") as error:
        fill()
    assert str(path) in str(error.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.EDQUOT])
def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, code, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(code, "no")

    monkeypatch.setattr("lucidna.files.tempfile.mkstemp", refuse)
    with pytest.raises(UserError, match="--directory"), atomic_path(tmp_path / "a.txt"):
        pass


def test_json_and_tsv_round_trip(tmp_path):
    write_json(tmp_path / "a.json", {"x": [1, None]})
    assert read_json(tmp_path / "a.json") == {"x": [1, None]}
    with pytest.raises(ValueError):
        write_json(tmp_path / "b.json", {"x": float("nan")})
    frame = pd.DataFrame({"chrom": ["NA", "chr1"], "value": [1.5, np.nan]})
    write_tsv(tmp_path / "a.tsv", frame)
    pd.testing.assert_frame_equal(read_tsv(tmp_path / "a.tsv"), frame)
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": [1, None]}


def test_names_that_look_like_numbers_stay_as_they_are(tmp_path):
    frame = pd.DataFrame(
        {name: ["007", "1.0"] for name in ("motif", "match", "match_name", "alternative", "element_a")}
    )
    write_tsv(tmp_path / "names.tsv", frame.assign(value=[1, 2]))
    pd.testing.assert_frame_equal(read_tsv(tmp_path / "names.tsv")[list(frame)], frame)


def test_sha256_of_known_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a").startswith("ba7816bf8f01cfea")


def test_existing_parent_stops_at_a_file_in_the_way(tmp_path):
    (tmp_path / "results").write_text("")
    assert existing_parent(tmp_path / "results" / "x" / "y") == tmp_path / "results"
    assert existing_parent(tmp_path / "a" / "b") == tmp_path


def test_nearest():
    assert nearest("seedz", ["seeds", "folds"]) == "seeds"
    assert nearest("zzz", ["seeds"]) is None
