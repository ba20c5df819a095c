import gzip

import numpy as np
import pytest

from lucidna.dataset import COLUMNS, Dataset
from lucidna.errors import UserError
from lucidna.reporter import read_sequences, write_reporter_dataset
from lucidna.sequence import decode

LINES = [
    "id\tsequence\tliver\tbrain\tbatch",
    "001\tACGTAC\t0.5\t-1\tx",
    "002\tGGccNA\t1.5\t2e1\ty",
    "NA\tTTTTTT\t2\t3\tx",
]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "mpra.tsv"
    path.write_text("\n".join(LINES) + "\n")
    return path


class TestRead:
    def test_truth(self, table):
        rows, codes, values, names, notices = read_sequences(table)
        assert [decode(own) for own in codes] == ["ACGTAC", "GGCCNA", "TTTTTT"]
        assert codes.dtype == np.uint8
        assert names == ["liver", "brain"]
        assert values.dtype == np.float32
        assert values.tolist() == [[0.5, -1], [1.5, 20], [2, 3]]
        assert list(rows) == list(COLUMNS)
        assert rows["region_id"].tolist() == ["001", "002", "NA"]
        assert rows.loc[1].tolist() == ["002", ".", 0, 6, 3, ".", "peak", "002", 0.8, 3]
        assert len(notices) == 1
        assert "liver, brain" in notices[0]

    def test_named_columns(self, tmp_path):
        path = tmp_path / "t.csv"
        path.write_text('oligo,group,dna,a,b\r\n"x",g1,ACGT,1,2\r\n\r\ny,g2,ACGA,3,4\r\n')
        rows, codes, values, names, notices = read_sequences(
            path, id="oligo", sequence="dna", activities=["b"], group="group"
        )
        assert rows["group"].tolist() == ["g1", "g2"]
        assert rows["source_line"].tolist() == [2, 4]
        assert (values.tolist(), names, notices) == ([[2], [4]], ["b"], [])
        assert decode(codes[1]) == "ACGA"

    def test_gzip(self, table, tmp_path):
        path = tmp_path / "mpra.tsv.gz"
        path.write_bytes(gzip.compress(table.read_bytes()))
        assert np.array_equal(read_sequences(path)[1], read_sequences(table)[1])

    def test_padding(self, tmp_path):
        path = tmp_path / "t.tsv"
        path.write_text("id\tsequence\ty\na\tACGTACG\t1\nb\tACGT\t2\nc\tACG\t3\n")
        rows, codes, _, _, notices = read_sequences(path, activities=["y"])
        assert [decode(own) for own in codes] == ["ACGTACG", "NACGTNN", "NNACGNN"]
        assert rows["end"].tolist() == [7, 4, 3]
        assert rows["gc"].tolist() == [0.5714, 0.5, 0.6667]
        assert len(notices) == 1
        assert "2 of 3 sequences are shorter than 7 bp" in notices[0]
        assert decode(read_sequences(path, length=9)[1][0]) == "NACGTACGN"

    @pytest.mark.parametrize(
        ("line", "settings", "match"),
        [
            ("003\tACXT\t1\t2\tx", {}, "line 5: letter 'X' at position 2"),
            ("003\tAC T\t1\t2\tx", {}, "line 5: letter ' ' at position 2"),
            ("003\t\t1\t2\tx", {}, "line 5: the sequence has no sequence|line 5: the sequence"),
            ("002\tACGT\t1\t2\tx", {}, "line 5: id '002' is also on line 3"),
            ("\tACGT\t1\t2\tx", {}, "line 5: the id is empty"),
            ("003\tACGT\t\t2\tx", {}, "line 5: liver is ''"),
            ("003\tACGT\tNaN\t2\tx", {}, "line 5: liver is 'NaN'"),
            ("003\tACGT\tinf\t2\tx", {}, "line 5: liver is 'inf'"),
            ("003\tACGT\t1\t2\tx", {"activities": ["batch"]}, "line 2: batch is 'x'"),
            ("003\tACGT\t1", {}, "line 5: 3 fields under 5 columns"),
            ("003\tACGT\t1\t2\tx", {"activities": ["livr"]}, "no column 'livr': did you mean 'liver'"),
            ("003\tACGT\t1\t2\tx", {"sequence": "oligo"}, "no column 'oligo'"),
            ("003\tACGT\t1\t2\tx", {"length": 5}, r"line 2: the sequence is longer than 5 bp \(6 bp\)"),
        ],
    )
    def test_refused(self, tmp_path, line, settings, match):
        path = tmp_path / "t.tsv"
        path.write_text("\n".join([*LINES, line]) + "\n")
        with pytest.raises(UserError, match=match) as caught:
            read_sequences(path, **settings)
        assert "t.tsv" in str(caught.value)

    def test_tables_without_content(self, tmp_path):
        path = tmp_path / "t.tsv"
        for text, match in (
            ("", "no line below its header"),
            (LINES[0], "no line below its header"),
            ("id\tsequence\tid\na\tACGT\tb\n", "'id' appears twice"),
            ("id\tsequence\na\tACGT\n", "no numeric column"),
        ):
            path.write_text(text)
            with pytest.raises(UserError, match=match):
                read_sequences(path)
        with pytest.raises(UserError, match="cannot be read"):
            read_sequences(tmp_path / "none.tsv")
        path.write_bytes(gzip.compress("\n".join(LINES).encode())[:-12])
        with pytest.raises(UserError, match="not whole"):
            read_sequences(path)


class TestDataset:
    def test_opens(self, table, tmp_path):
        info, notices = write_reporter_dataset(tmp_path / "data", table, group="batch")
        data = Dataset.open(tmp_path / "data")
        assert info == data.info
        assert (info["kind"], info["target"], info["tasks"]) == ("sequences", "counts", ["liver", "brain"])
        assert info["window"] == {"input": 6, "output": 6, "jitter": 0}
        assert (info["tracks"], info["n_controls"], data.signals, data.controls) == ([], 0, None, None)
        assert data.rows["region_id"].tolist() == ["001", "002", "NA"]
        assert data.rows["group"].tolist() == ["x", "y", "x"]
        assert data.targets.tolist() == [[0.5, -1], [1.5, 20], [2, 3]]
        assert [decode(own) for own in data.codes([2, 0])] == ["TTTTTT", "ACGTAC"]
        assert len(notices) == 1

    def test_binary(self, tmp_path):
        path = tmp_path / "t.tsv"
        path.write_text("id\tsequence\ty\na\tACGT\t1\nb\tACGG\t0\n")
        assert write_reporter_dataset(tmp_path / "data", path, target="binary")[0]["target"] == "binary"
        path.write_text("id\tsequence\ty\na\tACGT\t1\nb\tACGG\t0.3\n")
        with pytest.raises(UserError, match=r"line 3: y is 0\.3"):
            write_reporter_dataset(tmp_path / "data", path, target="binary")

    def test_profile_is_refused(self, table, tmp_path):
        with pytest.raises(UserError, match="'profile' needs tracks"):
            write_reporter_dataset(tmp_path / "data", table, target="profile")
