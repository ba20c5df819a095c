import pytest

from lucidna.errors import UserError
from lucidna.external.scores import read_scores


def write(tmp_path, *lines):
    path = tmp_path / "scores.tsv"
    path.write_text("\n".join("\t".join(line.split()) for line in lines) + "\n")
    return path


def test_values_with_and_without_intervals(tmp_path):
    path = write(tmp_path, "id auroc note", "b 0.8 x", "a 0.9 y")
    assert read_scores(path, ["a", "b"], metric="auroc") == ({"b": [0.8], "a": [0.9]}, False)
    path = write(tmp_path, "id auroc auroc_lo auroc_hi", "a 0.9 0.8 0.95", "b 0.8 0.7 0.9")
    scores, intervals = read_scores(path, ["a", "b"], metric="auroc")
    assert intervals
    assert scores["a"] == [0.9, 0.8, 0.95]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["id auroc", "a 1"], ["no row for candidate 'b'"]),
        (["id auroc", "a 1", "b 1", "a2 1"], ["'a2'", "did you mean 'a'"]),
        (["id auroc", "a 1", "b 1", "zebra 1"], ["'zebra'", "remove its row"]),
        (["id auroc", "a 1", "b 1", "a 1"], ["'a' more than once"]),
        (["id auroc", "a nan", "b 1"], ["auroc of 'a'", "'nan'", "not a finite number"]),
        (["id auroc", "a 1", "b inf"], ["auroc of 'b'", "'inf'"]),
        (["id auroc", "a 1", "b high"], ["'high'"]),
        (["id aurco", "a 1", "b 1"], ["no column 'auroc'", "did you mean 'aurco'"]),
        (["name auroc", "a 1", "b 1"], ["no column 'id'", "it has name, auroc"]),
        (["id r r_lo r_hi", "a 1 0 2", "b 1 2 3"], ["'b'", "1, outside of its own interval 2 to 3"]),
        (["id r r_lo r_hi", "a 1 0 2", "b 1 2 0"], ["'b'", "from 2 down to 0"]),
        (["id auroc", "a 0.9", "b 90"], ["auroc of 'b' is 90", "between 0 and 1", "divide percentages by 100"]),
        ([""], ["cannot be read"]),
    ],
)
def test_bad_tables_are_one_sentence(tmp_path, lines, words):
    with pytest.raises(UserError) as caught:
        read_scores(write(tmp_path, *lines), ["a", "b"], metric="r" if " r " in lines[0] else "auroc")
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        read_scores(tmp_path / "nowhere.tsv", ["a"], metric="auroc")
