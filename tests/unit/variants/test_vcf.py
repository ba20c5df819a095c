import re

import pysam
import pytest

from lucidna.errors import UserError
from lucidna.genome import open_genome
from lucidna.sequence import decode
from lucidna.variants import vcf
from lucidna.variants.vcf import read_variants


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
    variants, skipped, n_records = read(world, world.write(*lines))
    assert n_records == 6
    assert variants["alt"].tolist() == [other(ref), f"{ref}T", base(world, "chr2", 10)]
    assert variants["record"].tolist() == [0, 0, 5]
    assert variants["start"].tolist() == [49, 49, 9]
    assert variants["id"].tolist()[0] == "rs1"
    assert variants["id"].tolist()[2].startswith("chr2:10:")
    assert skipped["line"].tolist() == [6, 7, 8, 9]  # the header has four lines
    assert [reason.split()[0] for reason in skipped["reason"]] == ["symbolic", "allele", "no", "allele"]


def test_an_alternative_that_is_listed_twice_is_one_row(world):
    ref = base(world, "chr1", 50)
    first, second = (letter for letter in "ACGT" if letter != ref and letter != other(ref))
    lines = [
        ("chr1", 50, "twice", ref, f"{first},{second},{first.lower()},{first}"),
        ("chr1", 50, "another record", ref, first),
        ("chr1", 60, "symbols", base(world, "chr1", 60), "<DEL>,<DEL>"),
    ]
    variants, skipped, _ = read(world, world.write(*lines))
    assert variants[["record", "alt"]].to_numpy().tolist() == [[0, first], [0, second], [1, first]]
    assert skipped["alt"].tolist() == [first.lower(), first, "<DEL>", "<DEL>"]
    assert [reason.split()[0] for reason in skipped["reason"]] == ["alternative"] * 2 + ["symbolic"] * 2


def test_an_empty_id_is_none(world):
    ref = base(world, "chr1", 50)
    lines = [("chr1", 50, name, ref, f"{other(ref)},<DEL>") for name in ("", ".")]
    variants, skipped, _ = read(world, world.write(*lines))
    assert variants["id"].tolist() == [f"chr1:50:{ref}>{other(ref)}"] * 2
    assert skipped["id"].tolist() == [".", "."]


def test_wrong_reference_is_refused_with_the_count(world):
    lines = [("chr1", p, ".", base(world, "chr1", p), other(base(world, "chr1", p))) for p in (20, 30, 40)]
    lines[1] = ("chr1", 30, ".", other(base(world, "chr1", 30)), "A")
    with pytest.raises(UserError, match=r"1 of 3 records is not the genome's \(chr1:30 .\)"):
        read(world, world.write(*lines))


@pytest.mark.parametrize("position", [0, 301])
def test_places_outside_of_the_chromosome_are_named_as_such(world, position):
    with pytest.raises(UserError, match=rf"1 of 1 records lie outside .*\(chr2:{position} A\).* count from 1"):
        read(world, world.write(("chr2", position, ".", "A", "C")))
    # VCF has breakends at the ends of chromosomes.
    _, skipped, _ = read(world, world.write(("chr2", position, ".", "N", "N[chr1:50[")))
    assert skipped["position"].tolist() == [position]


def test_places_that_no_index_can_hold_are_named(world, monkeypatch):
    # A chromosome of half a giga base is more than a test should make: the limit is lowered.
    monkeypatch.setattr(vcf, "INDEXED", 60)
    near, far = (("chr1", at, ".", base(world, "chr1", at), other(base(world, "chr1", at))) for at in (60, 61))
    assert len(read(world, world.write(near))[0]) == 1
    with pytest.raises(UserError, match=r"1 of 2 records reach beyond 60 bp .*\(chr1:61\)"):
        read(world, world.write(near, far))
    # What is not taken stands in the annotated VCF all the same, and an index goes by END where there is one.
    with pytest.raises(UserError, match=r"1 of 2 records reach .*\(scaffold_9:61\)"):
        read(world, world.write(near, ("scaffold_9", 61, ".", "A", "C")))
    symbolic = ("chr1", 50, ".", base(world, "chr1", 50), "<DEL>")
    assert read(world, world.write(symbolic, info="CIEND=5,90;END=60")).n_records == 1
    with pytest.raises(UserError, match=r"1 of 1 records reach .*\(chr1:50\)"):
        read(world, world.write(symbolic, info="SVTYPE=DEL;END=61"))


def test_contigs(world):
    good = ("chr1", 50, ".", base(world, "chr1", 50), other(base(world, "chr1", 50)))
    head = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n##contig=<ID=scaffold_9>\n"
    variants, skipped, _ = read(world, world.write(good, ("scaffold_9", 5, ".", "A", "C"), head=head))
    assert len(variants) == 1
    assert skipped["reason"].tolist() == ["contig not in the genome"]
    with pytest.raises(UserError, match="none of its contigs"):
        read(world, world.write(("scaffold_9", 5, ".", "A", "C"), head=head))
    bare = world.write(("1", *good[1:]), head="##fileformat=VCFv4.2\n##contig=<ID=1>\n")
    with pytest.raises(UserError, match=r"genome\.aliases: {'1': 'chr1'}"):
        read(world, bare)
    variants, *_ = read_variants(bare, open_genome(world.fasta, aliases={"1": "chr1"}), longest=20)
    assert variants["chrom"].tolist() == ["chr1"]


def test_what_is_no_vcf_is_one_sentence(world):
    bad = world.folder / "bad.vcf"
    bad.write_text("chr1\t10\t20\n")
    with pytest.raises(UserError, match="not a VCF that can be read"):
        read(world, bad)
    good = world.write(("chr1", 50, ".", base(world, "chr1", 50), "<DEL>")).read_text()
    for old, new, words in (
        ("chr1\t50", "chr1\tfifty", "line 5: the position 'fifty' is not a whole number"),
        ("\t<DEL>\t.\t.\t.", "\t<DEL>", "line 5: it has 5 columns divided by tabs, the line '#CHROM' 8"),
        ("#CHROM\tPOS", "#CHROM POS", "line 4: the columns are not"),
        ("#CHROM", "##CHROM", "line 5: a record stands before"),
        ("##fileformat=VCF", "BCF", "is a BCF"),
    ):
        assert old in good
        bad.write_text(good.replace(old, new))
        with pytest.raises(UserError, match=re.escape(words)):
            read(world, bad)
    with pytest.raises(UserError, match=r"no file .*absent\.vcf"):
        read(world, world.folder / "absent.vcf")
    with pytest.raises(UserError, match="has no variant"):
        read(world, world.write())


def test_compressed_files_read_alike(world):
    ref = base(world, "chr1", 50)
    path = world.write(("chr1", 50, ".", ref, other(ref)))
    plain = read(world, path)
    pysam.tabix_compress(str(path), str(path) + ".gz", force=True)
    compressed = read(world, str(path) + ".gz")
    assert plain.taken.equals(compressed.taken)
    whole = (world.folder / "variants.vcf.gz").read_bytes()
    end = len(whole) - 28  # of the records; the empty block behind them marks the end of a bgzip file
    for damaged, words in (
        (whole[: end - 4], "last block is missing"),
        (whole[:end], "last block is missing"),  # cut between two blocks, where gzip sees no fault
        (whole[: end - 8] + b"\0\0" + whole[end - 6 :], "damaged or truncated"),
        (whole[:20] + b"\0\0" + whole[22:], "damaged or truncated"),
    ):
        (world.folder / "bad.vcf.gz").write_bytes(damaged)
        with pytest.raises(UserError, match=words):
            read(world, world.folder / "bad.vcf.gz")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert plain.taken.equals(read(world, path).taken)


@pytest.mark.parametrize("length", range(5))
def test_the_first_bytes_of_a_compressed_file_are_damage(world, length):
    bad = world.folder / "bad.vcf.gz"
    bad.write_bytes(b"\x1f\x8b\x08\x04"[:length])
    # Fewer than two bytes do not yet say that the file is compressed.
    words = "is damaged or truncated" if length >= 2 else "is not a VCF that can be read"
    with pytest.raises(UserError, match=rf"bad\.vcf\.gz {words}") as error:
        read(world, bad)
    assert "\n" not in str(error.value)


def test_joined_files_are_refused(world):
    line = ("chr1", 50, ".", base(world, "chr1", 50), other(base(world, "chr1", 50)))
    path = world.write(line)
    path.write_text(path.read_text() * 2)
    number = path.read_text().splitlines()[1:].index("##fileformat=VCFv4.2") + 2
    with pytest.raises(UserError, match=f"line {number}: a second header stands behind"):
        read(world, path)
