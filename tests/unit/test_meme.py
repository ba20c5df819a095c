import gzip

import numpy as np
import pytest

from lucidna.errors import UserError
from lucidna.meme import read_meme, write_meme

HEADER = "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n"


def test_round_trip_and_exact_rows(tmp_path):
    rng = np.random.default_rng(0)
    ppms = [rng.dirichlet([0.3] * 4, size=w).T for w in (5, 12)]
    write_meme(tmp_path / "a.meme", ["one", "two"], ppms, sites=[10, 20], background=[0.3, 0.2, 0.2, 0.3])
    motifs = read_meme(tmp_path / "a.meme")
    assert [motif.name for motif in motifs] == ["one", "two"]
    for motif, ppm in zip(motifs, ppms, strict=True):
        np.testing.assert_allclose(motif.ppm, ppm, atol=4e-6)
    rows = [line.split() for line in (tmp_path / "a.meme").read_text().splitlines() if line[:2] in ("0.", "1.")]
    assert len(rows) == 17
    assert all(sum(int(value.replace(".", "")) for value in row) == 1_000_000 for row in rows)


def test_matrix_without_width_or_blank_lines(tmp_path):
    row = "0.25 0.25 0.25 0.25\n"
    text = HEADER + "MOTIF a x y\nletter-probability matrix: alength= 4\n" + row * 3
    text += "URL http://x\nMOTIF b\nletter-probability matrix: alength= 4 w= 2\n" + row * 2 + "URL http://y\n"
    text += "MOTIF c\nletter-probability matrix:\n" + row
    (tmp_path / "a.meme").write_text(text)
    motifs = read_meme(tmp_path / "a.meme")
    assert [(m.name, m.alternative, m.ppm.shape[1]) for m in motifs] == [
        ("a", "x y", 3),
        ("b", "", 2),
        ("c", "", 1),
    ]


def test_compressed_databases_read_alike(tmp_path):
    write_meme(tmp_path / "a.meme", ["one"], [np.full((4, 5), 0.25)], sites=[10])
    (tmp_path / "a.meme.gz").write_bytes(gzip.compress((tmp_path / "a.meme").read_bytes()))
    assert read_meme(tmp_path / "a.meme.gz")[0].ppm.tolist() == read_meme(tmp_path / "a.meme")[0].ppm.tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ID a\nP0 A C G T\n", "not in MEME format"),
        (HEADER, "holds no motif"),
        (HEADER + "MOTIF a\nletter-probability matrix: w= 1\n3 4 5 6\n", r"line 9: the row sums to 18"),
        (HEADER + "MOTIF a\nletter-probability matrix: w= 1\n0.5 0.5 0\n", r"line 9: .* not four"),
        (
            HEADER + "MOTIF a\nletter-probability matrix: w= 2\n0.5 0.5 0 0\n",
            r"line 7: motif 'a' has no complete",
        ),
        (HEADER + "MOTIF\n", r"line 7: the motif has no name"),
        (HEADER + "MOTIF a\nletter-probability matrix: w= 1\n0.5 nan 0.25 0.25\n", r"line 9: 'nan' is not a prob"),
        (HEADER + "MOTIF a\nletter-probability matrix: w= 1\n0.5 inf 0.25 0.25\n", r"line 9: 'inf' is not a prob"),
        (HEADER + "MOTIF a\nletter-probability matrix: w= 1\n1.2 -0.2 0 0\n", r"line 9: '-0.2' is not a prob"),
        (HEADER + "MOTIF a\nletter-probability matrix: w= 1\n1.005 0 0 0\n", r"line 9: '1.005' is not a prob"),
        (
            HEADER + "MOTIF a\nletter-probability matrix: w= 1\n1 0 0 0\nMOTIF a b\n",
            r"line 10: motif 'a' has the name of the one in line 7",
        ),
        ("MEME version 4\nALPHABET= ACDEFGHIKLMNPQRSTVWY\n", r"line 2: the alphabet"),
        ("MEME version 4\nALPHABET=ACGU\n", r"line 2: the alphabet is 'ACGU'"),
        ('MEME version 5\nALPHABET "DNA" DNA-LIKE\n', r"line 2: the alphabet is '\"DNA\" DNA-LIKE'"),
        (HEADER + "MOTIF a\nletter-probability matrix: w= -3\n1 0 0 0\n", r"line 8: motif 'a' has w= -3"),
        (
            HEADER + "MOTIF a\nletter-probability matrix: w= 1\n1 0 0 0\n0 1 0 0\n",
            r"line 10: a row beyond the 1 of motif 'a'",
        ),
    ],
)
def test_malformed_databases_are_refused(tmp_path, text, message):
    (tmp_path / "a.meme").write_text(text)
    with pytest.raises(UserError, match=message):
        read_meme(tmp_path / "a.meme")


def test_damaged_archives_are_refused(tmp_path):
    text = HEADER + "".join(f"MOTIF m{k}\nletter-probability matrix: w= 1\n1 0 0 0\n" for k in range(500))
    whole = gzip.compress(text.encode())
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 255
    for data in (whole[:-10], whole[: len(whole) // 2], whole[:-8] + bytes(8), bytes(flipped)):
        (tmp_path / "a.meme.gz").write_bytes(data)
        with pytest.raises(UserError, match="the gzip file is damaged or cut short"):
            read_meme(tmp_path / "a.meme.gz")


def test_a_byte_order_mark_is_no_text(tmp_path):
    text = HEADER + "MOTIF a\nletter-probability matrix: w= 1\n1 0 0 0\n"
    (tmp_path / "a.meme").write_text(text, encoding="utf-8-sig")
    assert [motif.name for motif in read_meme(tmp_path / "a.meme")] == ["a"]


def test_absent_database(tmp_path):
    with pytest.raises(UserError, match=r"motifs.database: there is no file"):
        read_meme(tmp_path / "absent.meme")


def test_published_databases(shared_data):
    fungi = read_meme(shared_data / "motifs" / "JASPAR2022_CORE_fungi_non-redundant_pfms_meme.txt")
    human = read_meme(shared_data / "motifs" / "HOCOMOCOv12_H12CORE.meme")
    assert (len(fungi), len(human)) == (179, 1443)
    assert any(motif.alternative.endswith("REB1") for motif in fungi)
    assert all(np.allclose(motif.ppm.sum(axis=0), 1) for motif in fungi + human)
