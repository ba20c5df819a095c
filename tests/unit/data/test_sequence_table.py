import gzip

import pytest

from lucidna.errors import UserError
from lucidna.sequence_table import activity_columns, read_table

TEXT = "id\tsequence\tdev\tnote\thk\na\tACGT\t1\tx\t\n\nb\tACG\t-2e-1\ty\t3\n"


def test_lines_keep_their_numbers(tmp_path):
    (tmp_path / "t.tsv").write_text(TEXT)
    header, lines = read_table(tmp_path / "t.tsv")
    assert header == ["id", "sequence", "dev", "note", "hk"]
    assert lines == [(2, ["a", "ACGT", "1", "x", ""]), (4, ["b", "ACG", "-2e-1", "y", "3"])]


def test_commas_and_gzip_read_alike(tmp_path):
    (tmp_path / "t.tsv").write_text(TEXT)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(TEXT.replace("\t", ",").encode()))
    assert read_table(tmp_path / "t.csv.gz") == read_table(tmp_path / "t.tsv")


def test_activities_are_the_columns_of_numbers(tmp_path):
    (tmp_path / "t.tsv").write_text(TEXT)
    header, lines = read_table(tmp_path / "t.tsv")
    assert activity_columns("t.tsv", header, lines, but=("id", "sequence", None)) == ["dev", "hk"]
    assert activity_columns("t.tsv", header, lines, but=("id", "sequence", "hk")) == ["dev"]
    with pytest.raises(UserError, match=r"t\.tsv has no numeric column besides id, dev, hk"):
        activity_columns("t.tsv", header, lines, but=("id", "dev", "hk"))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "no line below its header"),
        (b"id\tid\nx\ty\n", "'id' appears twice"),
        (b"id\tseq\nx\n", "line 2: 1 fields under 2 columns"),
        (b"id\tseq\nx\t\xff\n", "not whole text"),
        (gzip.compress(TEXT.encode() * 50, mtime=0)[:60], "not whole text"),
        (gzip.compress(TEXT.encode() * 50, mtime=0)[:20] + b"\xff" * 60, "not whole text"),
        (b'id\tseq\n"' + b"x" * 200_000, "field larger than field limit.*quote"),
    ],
)
def test_refused(tmp_path, content, match):
    (tmp_path / "t.tsv").write_bytes(content)
    with pytest.raises(UserError, match=match) as error:
        read_table(tmp_path / "t.tsv")
    assert "t.tsv" in str(error.value)
