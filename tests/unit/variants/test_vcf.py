import gzip

import pysam
import pytest

from lucidna.errors import UserError
from lucidna.genome import open_genome
from lucidna.sequence import decode
from lucidna.variants.vcf import read_variants, write_annotated


def base(world, chrom, position, n=1):
    """Bases at a 1-based position."""
    return decode(world.chroms[chrom][position - 1 : position - 1 + n])


def other(letter):
    return "ACGT"["ACGT".index(letter) - 1]


def read(world, path, **settings):
    return read_variants(path, world.genome, **{"longest": 20, **settings})


def test_alleles_are_rows_and_the_rest_is_listed_with_its_reason(world):
    ref = base(world, "chr1", 50)
    lines = [
        ("chr1", 50, "rs1", ref, f"{other(ref)},{ref}T"),
        ("chr1", 60, ".", base(world, "chr1", 60), "<DEL>"),
        ("chr1", 61, ".", base(world, "chr1", 61), "*"),
        ("chr1", 62, ".", base(world, "chr1", 62), "."),
        ("chr1", 63, ".", base(world, "chr1", 63), "A" * 30),
        ("chr2", 10, ".", base(world, "chr2", 10, 4), base(world, "chr2", 10)),
    ]
    variants, skipped = read(world, world.write(*lines))
    assert variants["alt"].tolist() == [other(ref), f"{ref}T", base(world, "chr2", 10)]
    assert variants["record"].tolist() == [0, 0, 5]
    assert variants["start"].tolist() == [49, 49, 9]
    assert variants["id"].tolist()[0] == "rs1"
    assert variants["id"].tolist()[2].startswith("chr2:10:")
    assert skipped["line"].tolist() == [2, 3, 4, 5]
    assert [reason.split()[0] for reason in skipped["reason"]] == ["symbolic", "allele", "no", "allele"]


def test_wrong_reference_is_refused_with_the_count(world):
    lines = [("chr1", p, ".", base(world, "chr1", p), other(base(world, "chr1", p))) for p in (20, 30, 40)]
    lines[1] = ("chr1", 30, ".", other(base(world, "chr1", 30)), "A")
    with pytest.raises(UserError, match=r"1 of 3 records is not the genome's \(chr1:30 .\)"):
        read(world, world.write(*lines))


def test_position_past_the_end_is_a_wrong_reference(world):
    with pytest.raises(UserError, match="chr2:301 A"):
        read(world, world.write(("chr2", 301, ".", "A", "C")))


def test_contigs(world):
    good = ("chr1", 50, ".", base(world, "chr1", 50), other(base(world, "chr1", 50)))
    head = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n##contig=<ID=scaffold_9>\n"
    variants, skipped = read(world, world.write(good, ("scaffold_9", 5, ".", "A", "C"), head=head))
    assert len(variants) == 1
    assert skipped["reason"].tolist() == ["contig not in the genome"]
    with pytest.raises(UserError, match="none of its contigs"):
        read(world, world.write(("scaffold_9", 5, ".", "A", "C"), head=head))
    bare = world.write(("1", *good[1:]), head="##fileformat=VCFv4.2\n##contig=<ID=1>\n")
    with pytest.raises(UserError, match=r"genome\.aliases: {1: chr1}"):
        read(world, bare)
    variants, _ = read_variants(bare, open_genome(world.fasta, aliases={"1": "chr1"}), longest=20)
    assert variants["chrom"].tolist() == ["chr1"]


def test_what_is_no_vcf_is_one_sentence(world):
    bad = world.folder / "bad.vcf"
    bad.write_text("chr1\t10\t20\n")
    with pytest.raises(UserError, match="not a VCF that can be read"):
        read(world, bad)
    with pytest.raises(UserError, match=r"no file .*absent\.vcf"):
        read(world, world.folder / "absent.vcf")
    with pytest.raises(UserError, match="has no variant"):
        read(world, world.write())


def test_compressed_files_read_alike(world):
    ref = base(world, "chr1", 50)
    path = world.write(("chr1", 50, ".", ref, other(ref)))
    plain, _ = read(world, path)
    pysam.tabix_compress(str(path), str(path) + ".gz", force=True)
    compressed, _ = read(world, str(path) + ".gz")
    assert plain.equals(compressed)


def test_annotated_file_is_sorted_indexed_and_holds_a_value_per_alternative(world):
    lines = [("chr2", 9, "late", base(world, "chr2", 9), "T"), ("chr1", 50, "two", base(world, "chr1", 50), "T,TT")]
    out = world.folder / "out.vcf.gz"
    fields = [("lucidna_x", "Float", "a number"), ("lucidna_word", "String", "words")]
    values = {0: {"lucidna_x": [1.5]}, 1: {"lucidna_x": [None, -2.0], "lucidna_word": ["a|b", None]}}
    write_annotated(out, world.write(*lines), fields, values)
    with gzip.open(out, "rt") as handle:
        text = [line for line in handle if not line.startswith("##")]
    assert [line.split("\t")[2] for line in text[1:]] == ["two", "late"]
    with pysam.VariantFile(str(out)) as handle:
        (found,) = handle.fetch("chr2", 0, 20)
        assert found.info["lucidna_x"] == (1.5,)
        (found,) = handle.fetch("chr1", 40, 60)
        assert found.info["lucidna_x"] == (None, -2.0)
        assert found.info["lucidna_word"] == ("a|b", None)
