import logging

import numpy as np
import pytest

from lucidna.errors import UserError
from lucidna.simulate import random_ppms, read_meme, write_meme

HEADER = "MEME version 4\n\nALPHABET= ACGT\n\n"


def motif(rows: str, *, name: str = "one", announced: str = "") -> str:
    matrix = f"letter-probability matrix: alength= 4 {announced} nsites= 20 E= 0\n{rows}\n"
    return f"{HEADER}MOTIF {name} alt\n\n{matrix}"


def read(tmp_path, text: str) -> dict:
    path = tmp_path / "motifs.meme"
    path.write_text(text)
    return read_meme(path)


def test_what_is_written_is_read(tmp_path):
    ppms = random_ppms(3, width=7, information=8.0, seed=2)
    write_meme(tmp_path / "motifs.meme", ppms)
    read_back = read_meme(tmp_path / "motifs.meme")
    assert list(read_back) == list(ppms)
    for name, ppm in ppms.items():
        np.testing.assert_allclose(read_back[name], ppm, atol=5e-6)


def test_real_databases(shared_data):
    fungi = read_meme(shared_data / "motifs" / "JASPAR2022_CORE_fungi_non-redundant_pfms_meme.txt")
    human = read_meme(shared_data / "motifs" / "HOCOMOCOv12_H12CORE.meme")
    assert (len(fungi), len(human)) == (179, 1443)
    np.testing.assert_allclose(fungi["MA0266.1"][:, 1], [0.09, 0.09, 0.02, 0.8])
    for ppm in [*fungi.values(), *human.values()]:
        assert ppm.shape[0] == 4
        np.testing.assert_allclose(ppm.sum(axis=0), 1)


def test_rows_that_nearly_sum_to_one_are_rescaled_with_a_notice(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        ppm = read(tmp_path, motif("0.5 0.2 0.2 0.105\n0.25 0.25 0.25 0.25"))["one"]
    np.testing.assert_allclose(ppm[:, 0], np.array([0.5, 0.2, 0.2, 0.105]) / 1.005)
    assert "1 rows" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (motif("0.5 0.2 0.2 0.1\n0.5 0.2 0.2 0.2"), "line 9: the row sums to 1.1"),
        (motif("0.5 0.2 0.2"), "line 8: .* not a row of four"),
        (motif("0.5 0.2 -0.2 0.5"), "line 8: .* not a row of four"),
        (motif("0.5 0.2 nan 0.5"), "line 8: .* not a row of four"),
        (motif("A C G T"), "line 8: .* not a row of four"),
        (motif(""), "line 7: the motif 'one' has no matrix"),
        (motif("0.5 0.2 0.2 0.1", announced="w= 2"), "line 7: motif 'one' says w= 2 and has 1 rows"),
        (HEADER + "MOTIF\n", "line 5: MOTIF without a name"),
        (motif("0.5 0.2 0.2 0.1") + "MOTIF one\n", "line 9: .* occurs twice"),
        (HEADER + "letter-probability matrix:\n", "line 5: a matrix before any MOTIF"),
        (HEADER.replace("ACGT", "ACDEFGHIKLMNPQRSTVWY"), "line 3: the alphabet"),
        ("a table\n", "no line begins with MOTIF"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"absent\.meme"):
        read_meme(tmp_path / "absent.meme")
