import pytest

from lucidna.errors import UserError
from lucidna.sheet import Track, read_sheet


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    for name in ("a.bw", "b.bw", "minus.bw", "input.bw"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


def sheet_of(tmp_path, text):
    path = tmp_path / "tracks.tsv"
    path.write_text(text)
    return path


def test_minimal(tmp_path):
    assert read_sheet(sheet_of(tmp_path, "name\tbigwig\none\ta.bw\n")) == [Track("one", "a.bw")]


def test_all_columns_in_any_order(tmp_path):
    text = (
        "# two tracks\n"
        "bigwig\tname\tscale\tkind\tcontrol\tminus_bigwig\n"
        "a.bw\tone\t0.5\tcounts\tinput.bw\tminus.bw\n\n"
        "b.bw\ttwo\t\t\t\t\r\n"
    )
    assert read_sheet(sheet_of(tmp_path, text)) == [
        Track("one", "a.bw", "minus.bw", "input.bw", "counts", 0.5),
        Track("two", "b.bw", None, None, "auto", 1.0),
    ]


def test_short_lines_and_spaces(tmp_path):
    text = "name\tbigwig\tminus_bigwig\n one \t a.bw\n"
    assert read_sheet(sheet_of(tmp_path, text)) == [Track("one", "a.bw")]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "lists no track"),
        ("name\tbigwig\n", "lists no track"),
        ("name\tbigwgi\nx\ta.bw\n", "line 1: unknown column 'bigwgi': did you mean 'bigwig'"),
        ("name\tbigwig\tcolour\nx\ta.bw\tred\n", "unknown column 'colour': the columns are"),
        ("name,bigwig\nx,a.bw\n", "unknown column"),
        ("name\tkind\nx\tcounts\n", "no column 'bigwig'"),
        ("name\tname\tbigwig\nx\ty\ta.bw\n", "'name' appears twice"),
        ("name\tbigwig\nx\ta.bw\n#\nx\tb.bw\n", "line 4: track 'x' is listed twice"),
        ("name\tbigwig\nx\tnone.bw\n", r"line 2: bigwig none\.bw is not there"),
        ("name\tbigwig\tcontrol\nx\ta.bw\tnone.bw\n", r"line 2: control none\.bw is not there"),
        ("name\tbigwig\nx\t\n", "line 2: bigwig is empty"),
        ("name\tbigwig\n\ta.bw\n", "line 2: name is empty"),
        ("name\tbigwig\nx\ta.bw\tb.bw\n", "line 2: 3 fields under 2 columns"),
        ("name\tbigwig\tscale\nx\ta.bw\t-1\n", "line 2: scale '-1'"),
        ("name\tbigwig\tscale\nx\ta.bw\tbig\n", "line 2: scale 'big'"),
        ("name\tbigwig\tscale\nx\ta.bw\tnan\n", "line 2: scale 'nan'"),
        ("name\tbigwig\tkind\nx\ta.bw\tcount\n", "line 2: kind 'count'"),
        ("name\tbigwig\tminus_bigwig\nx\ta.bw\ta.bw\n", "same file"),
    ],
)
def test_refused(tmp_path, text, match):
    with pytest.raises(UserError, match=match) as caught:
        read_sheet(sheet_of(tmp_path, text))
    assert "tracks.tsv" in str(caught.value)


def test_missing_or_binary(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_sheet(tmp_path / "none.tsv")
    (tmp_path / "binary.tsv").write_bytes(b"\xff\xfe\x80")
    with pytest.raises(UserError, match="not text"):
        read_sheet(tmp_path / "binary.tsv")


@pytest.mark.parametrize("name", ["a b", "a/b", "é"])
def test_a_name_that_cannot_name_a_folder(tmp_path, name):
    with pytest.raises(UserError, match="line 2: the track name"):
        read_sheet(sheet_of(tmp_path, f"name\tbigwig\n{name}\ta.bw\n"))


def test_a_mark_at_the_beginning_is_no_part_of_the_header(tmp_path):
    (tmp_path / "tracks.tsv").write_bytes(b"\xef\xbb\xbfname\tbigwig\none\ta.bw\n")
    assert read_sheet(tmp_path / "tracks.tsv") == [Track("one", "a.bw")]


def test_a_track_meant_for_another_target(tmp_path):
    path = sheet_of(tmp_path, "name\tbigwig\tkind\nx\ta.bw\tcounts\ny\tb.bw\t\n")
    assert [track.kind for track in read_sheet(path, target="counts")] == ["counts", "auto"]
    with pytest.raises(UserError, match=r"line 2: track 'x' is meant for target 'counts'.* target is 'profile'"):
        read_sheet(path, target="profile")


def test_files_that_will_be_made_need_not_be_there(tmp_path):
    path = sheet_of(tmp_path, "name\tbigwig\tminus_bigwig\nx\tmade/x.bw\tmade/y.bw\n")
    assert read_sheet(path, made_below="made/") == [Track("x", "made/x.bw", "made/y.bw")]
    with pytest.raises(UserError, match=r"made/x\.bw is not there"):
        read_sheet(path, made_below="other/")
    with pytest.raises(UserError, match="same file"):
        read_sheet(sheet_of(tmp_path, "name\tbigwig\tminus_bigwig\nx\tmade/x\tmade/x\n"), made_below="made/")
