import gzip

import pysam
import pytest

from lucidna.errors import UserError
from lucidna.sequence import decode
from lucidna.variants.annotated import Field, write_annotated

from .conftest import HEAD

FIELDS = [Field("lucidna_x", "Float", "a number"), Field("lucidna_word", "String", 'words, "quoted"')]


def base(world, chrom, position):
    return decode(world.chroms[chrom][position - 1 : position])


@pytest.fixture
def lines(world):
    return [("chr2", 9, "late", base(world, "chr2", 9), "T"), ("chr1", 50, "two", base(world, "chr1", 50), "T,tt")]


VALUES = {0: {"lucidna_x": {"T": 1.5}}, 1: {"lucidna_x": {"TT": -2.0}, "lucidna_word": {"T": "a;b c=d"}}}


def body(path):
    with gzip.open(path, "rt") as handle:
        return [line.rstrip("\n").split("\t") for line in handle if not line.startswith("#")]


def test_sorted_indexed_and_a_value_per_alternative(world, lines):
    out = world.folder / "out.vcf.gz"
    write_annotated(out, world.write(*lines), FIELDS, VALUES)
    assert [words[2] for words in body(out)] == ["two", "late"]
    assert [words[7] for words in body(out)] == ["lucidna_x=.,-2;lucidna_word=a|b_c:d,.", "lucidna_x=1.5"]
    with pysam.VariantFile(str(out)) as handle:
        assert handle.header.info["lucidna_word"].number == "A"
        (found,) = handle.fetch("chr2", 0, 20)
        assert found.info["lucidna_x"] == (1.5,)
        (found,) = handle.fetch("chr1", 40, 60)
        assert found.info["lucidna_x"] == (None, -2.0)
        assert found.info["lucidna_word"] == ("a|b_c:d", ".")


@pytest.mark.parametrize("compressed", [False, True])
def test_samples_stay_as_they_are(world, lines, compressed):
    head = HEAD + "".join(
        f'##FORMAT=<ID={name},Number=1,Type={kind},Description="{name}">\n'
        for name, kind in (("GT", "String"), ("DP", "Integer"))
    )
    source, out = world.write(*lines, head=head, samples=("mother", "child")), world.folder / "out.vcf.gz"
    if compressed:
        source = pysam.tabix_compress(str(source), f"{source}.gz", force=True) or f"{source}.gz"
    write_annotated(out, source, FIELDS, VALUES)
    with pysam.VariantFile(str(out)) as handle:
        assert list(handle.header.samples) == ["mother", "child"]
        found = {record.id: record for record in handle}
    assert found["late"].samples["child"]["GT"] == (0, 1)
    assert [found["two"].samples[name]["DP"] for name in ("mother", "child")] == [5, 6]
    assert found["two"].info["lucidna_x"] == (None, -2.0)


def test_nothing_else_of_a_record_changes(world):
    # A symbolic allele without END, a contig and fields without a line in the header, an id beyond ASCII.
    lines = [("chr1", 60, "é", "A", "<DEL>"), ("chrUn", 7, ".", "A", "C"), ("chr1", 0, ".", "N", "N[chr2:5[")]
    source, out = world.write(*lines, info="SVLEN=-20;FLAG"), world.folder / "out.vcf.gz"
    write_annotated(out, source, FIELDS, {})
    given = [line.split("\t") for line in source.read_text().splitlines() if not line.startswith("#")]
    assert sorted(body(out)) == sorted(given)
    with pysam.VariantFile(str(out)) as handle:
        assert "chrUn" in handle.header.contigs
        assert [record.alts for record in handle.fetch("chrUn", 0, 20)] == [("C",)]
        assert [record.pos for record in handle.fetch("chr1", 50, 70)] == [60]


def test_an_empty_id_becomes_a_point(world):
    source, out = world.write(("chr1", 50, "", base(world, "chr1", 50), "T")), world.folder / "out.vcf.gz"
    write_annotated(out, source, FIELDS, VALUES)
    assert body(out) == [["chr1", "50", ".", base(world, "chr1", 50), "T", ".", ".", "lucidna_x=1.5"]]


def test_annotated_again_the_fields_are_replaced(world, lines):
    first, second = world.folder / "first.vcf.gz", world.folder / "second.vcf.gz"
    write_annotated(first, world.write(*lines), FIELDS, VALUES)
    write_annotated(second, first, FIELDS[:1], {0: {"lucidna_x": {"T": 7.0}}})
    assert [words[7] for words in body(second)] == ["lucidna_word=a|b_c:d,.;lucidna_x=7,.", "."]
    with gzip.open(second, "rt") as handle:
        assert sum(line.startswith("##INFO=<ID=lucidna_x,") for line in handle) == 1


def test_what_cannot_be_indexed_leaves_nothing(world, lines, monkeypatch):
    def fails(*_, **__):
        raise OSError("building of index failed")

    monkeypatch.setattr(pysam, "tabix_index", fails)
    out = world.folder / "out.vcf.gz"
    with pytest.raises(UserError, match="cannot be indexed"):
        write_annotated(out, world.write(*lines), FIELDS, VALUES)
    assert not list(world.folder.glob("out.vcf.gz*"))
