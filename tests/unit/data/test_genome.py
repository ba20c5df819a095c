import gzip
import random
import re
import struct
import zlib

import numpy as np
import pytest

from lucidna import fasta
from lucidna.errors import UserError
from lucidna.genome import open_genome, other_spelling, resolve_chromosomes
from lucidna.sequence import decode, encode

SEQUENCES = {"chr1": "ACGTNacgtn" * 37 + "GG", "chr2": "TTTTACG", "chr10": "C" * 61}


def fasta_text(sequences, *, width=60, newline="\n", last_newline=True):
    lines = []
    for name, text in sequences.items():
        lines.append(f">{name} a description > of {name}")
        lines += [text[k : k + width] for k in range(0, len(text), width)]
    return newline.join(lines) + (newline if last_newline else "")


def bgzip(data, block=100):
    """Compress as bgzip does: members that tell their size, and an empty one at the end."""
    out = b""
    for k in range(0, len(data) + block, block):
        compressor = zlib.compressobj(6, 8, -15)
        body = compressor.compress(data[k : k + block]) + compressor.flush()
        out += b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + struct.pack("<H", len(body) + 25) + body
        crc = zlib.crc32(data[k : k + block])
        out += struct.pack("<II", crc, len(data[k : k + block]))
    return out


def runs(pattern, text):
    return [(found.start(), len(found.group())) for found in re.finditer(pattern, text)]


def twobit(sequences, *, order="<", version=0):
    """Write a 2bit file by the letter of its description."""
    bits = {"T": 0, "C": 1, "A": 2, "G": 3, "N": 0}
    records = []
    for text in sequences.values():
        upper = text.upper()
        body = struct.pack(order + "I", len(text))
        for blocks in (runs("[Nn]+", text), runs("[acgtn]+", text)):
            body += struct.pack(order + "I", len(blocks))
            body += b"".join(struct.pack(order + "I", start) for start, _ in blocks)
            body += b"".join(struct.pack(order + "I", length) for _, length in blocks)
        body += struct.pack(order + "I", 0)
        padded = [bits[c] for c in upper] + [0] * (-len(upper) % 4)
        body += bytes(a << 6 | b << 4 | c << 2 | d for a, b, c, d in zip(*[iter(padded)] * 4, strict=True))
        records.append(body)
    offset_size = 8 if version else 4
    place = 16 + sum(1 + len(name) + offset_size for name in sequences)
    index = b""
    for name, record in zip(sequences, records, strict=True):
        index += bytes([len(name)]) + name.encode() + struct.pack(order + ("Q" if version else "I"), place)
        place += len(record)
    return struct.pack(order + "IIII", 0x1A412743, version, len(sequences), 0) + index + b"".join(records)


def check_reads(path, sequences=SEQUENCES):
    genome = open_genome(path)
    assert list(genome.sizes.items()) == [(name, len(text)) for name, text in sequences.items()]
    for name in reversed(list(sequences)):
        codes = genome.codes(name)
        assert codes.dtype == np.uint8
        assert np.array_equal(codes, encode(sequences[name])), name
    assert [name for name, _ in genome.iter()] == list(sequences)
    assert [decode(codes) for _, codes in genome.iter()] == [text.upper() for text in sequences.values()]


class TestFasta:
    @pytest.mark.parametrize("width", [1, 7, 60, 10_000])
    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_line_widths_and_ends(self, tmp_path, width, newline):
        path = tmp_path / "g.fa"
        path.write_bytes(fasta_text(SEQUENCES, width=width, newline=newline).encode())
        check_reads(path)

    def test_no_newline_at_the_end(self, tmp_path):
        path = tmp_path / "g.fa"
        path.write_text(fasta_text(SEQUENCES, last_newline=False))
        check_reads(path)

    def test_blank_lines_and_spaces(self, tmp_path):
        path = tmp_path / "g.fa"
        path.write_text("\n>a\nAC GT\n\n\n  TT\n\n>b\n\nGG\n\n")
        check_reads(path, {"a": "ACGTTT", "b": "GG"})

    @pytest.mark.parametrize("compress", [gzip.compress, bgzip, lambda data: bgzip(data) + b"\0" * 50])
    def test_compressed(self, tmp_path, compress):
        path = tmp_path / "g.fa.gz"
        path.write_bytes(compress(fasta_text(SEQUENCES).encode()))
        check_reads(path)

    def test_compressed_members_one_after_the_other(self, tmp_path):
        path = tmp_path / "g.fa.gz"
        text = fasta_text(SEQUENCES).encode()
        path.write_bytes(gzip.compress(text[:200]) + gzip.compress(text[200:]))
        check_reads(path)

    @pytest.mark.parametrize("compress", [bytes, gzip.compress, bgzip])
    @pytest.mark.parametrize("chunk", [1, 2, 3, 50])
    def test_any_place_of_the_chunks(self, tmp_path, monkeypatch, compress, chunk):
        monkeypatch.setattr(fasta, "_TEXT_CHUNK", chunk)
        monkeypatch.setattr(fasta, "_GZIP_CHUNK", chunk)
        monkeypatch.setattr(fasta, "_CHECKPOINT_EVERY", 100)
        path = tmp_path / "g.fa"
        path.write_bytes(compress(fasta_text(SEQUENCES).encode()))
        check_reads(path)

    def test_chromosomes_in_any_order_after_checkpoints(self, tmp_path, monkeypatch):
        monkeypatch.setattr(fasta, "_GZIP_CHUNK", 64)
        monkeypatch.setattr(fasta, "_CHECKPOINT_EVERY", 500)
        rng = random.Random(0)
        sequences = {f"c{k}": "".join(rng.choices("ACGT", k=rng.randint(1, 900))) for k in range(40)}
        path = tmp_path / "g.fa.gz"
        path.write_bytes(gzip.compress(fasta_text(sequences).encode()))
        genome = open_genome(path)
        for name in rng.choices(list(sequences), k=120):
            assert decode(genome.codes(name)) == sequences[name]

    def test_large_chunks_of_a_chromosome(self, tmp_path, monkeypatch):
        monkeypatch.setattr(fasta, "_TEXT_CHUNK", 1000)
        codes = np.random.default_rng(0).integers(0, 5, 50_001, dtype=np.uint8)
        path = tmp_path / "g.fa"
        path.write_text(fasta_text({"long": decode(codes), "next": "ACGT"}, width=70))
        assert np.array_equal(open_genome(path).codes("long"), codes)

    def test_writes_nothing_beside_the_genome(self, tmp_path):
        path = tmp_path / "g.fa"
        path.write_text(fasta_text(SEQUENCES))
        tmp_path.chmod(0o555)
        try:
            check_reads(path)
        finally:
            tmp_path.chmod(0o755)
        assert [file.name for file in tmp_path.iterdir()] == ["g.fa"]


class TestTwoBit:
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("version", [0, 1])
    def test_reads(self, tmp_path, order, version):
        path = tmp_path / "g.2bit"
        path.write_bytes(twobit(SEQUENCES, order=order, version=version))
        check_reads(path)

    @pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
    def test_sizes_that_do_not_fill_a_byte(self, tmp_path, size):
        path = tmp_path / "g.2bit"
        path.write_bytes(twobit({"a": "GATTC"[:size]}))
        check_reads(path, {"a": "GATTC"[:size]})

    @pytest.mark.parametrize("keep", [8, 20, 60, 150, -1])
    def test_truncated(self, tmp_path, keep):
        path = tmp_path / "g.2bit"
        path.write_bytes(twobit(SEQUENCES)[:keep])
        with pytest.raises(UserError, match="truncated"):
            list(open_genome(path).iter())


class TestRealGenomes:
    @pytest.mark.parametrize(
        ("twobit_file", "fasta_file"),
        [
            ("genome/sacCer3.2bit", "genome/sacCer3.fa.gz"),
            ("ecoli_chipseq/NC_000913.3.2bit", "ecoli_chipseq/NC_000913.3.fa.gz"),
        ],
    )
    def test_2bit_and_fasta_agree(self, shared_data, twobit_file, fasta_file):
        one, other = open_genome(shared_data / twobit_file), open_genome(shared_data / fasta_file)
        assert one.sizes == other.sizes
        for name, codes in other.iter():
            assert np.array_equal(codes, one.codes(name)), name
            assert len(np.unique(codes)) >= 4

    def test_sizes_are_those_of_the_table(self, shared_data):
        lines = (shared_data / "genome" / "sacCer3.chrom.sizes").read_text().split("\n")
        expected = {name: int(size) for name, size in (line.split() for line in lines if line)}
        assert open_genome(shared_data / "genome" / "sacCer3.fa.gz").sizes == expected


class TestErrors:
    def refuse(self, tmp_path, content, match, *, name="g.fa", **settings):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(UserError, match=match) as caught:
            list(open_genome(path, **settings).iter())
        assert "\n" not in str(caught.value)
        assert name in str(caught.value)

    def test_missing(self, tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            open_genome(tmp_path / "none.fa")

    def test_empty(self, tmp_path):
        self.refuse(tmp_path, b"", "empty")
        self.refuse(tmp_path, gzip.compress(b""), "holds no sequence")
        self.refuse(tmp_path, b"\n \n", "holds no sequence")

    @pytest.mark.parametrize("content", [b"chr1\t0\t10\n", b"BAM\1abc", b"\x89PNG\r\n", b"ACGT\n>a\nACGT\n"])
    def test_other_kinds(self, tmp_path, content):
        self.refuse(tmp_path, content, "not a FASTA")
        self.refuse(tmp_path, gzip.compress(content), "not a FASTA")

    def test_chromosome_twice(self, tmp_path):
        self.refuse(tmp_path, b">a x\nAC\n>b\nAC\n>a y\nGG\n", "'a' appears twice")
        record = twobit({"a": "ACGT", "b": "ACGT"})
        self.refuse(tmp_path, record.replace(b"\1b", b"\1a"), "'a' appears twice")

    def test_chromosome_without_letters_or_name(self, tmp_path):
        self.refuse(tmp_path, b">a\n>b\nAC\n", "'a' has no letters")
        self.refuse(tmp_path, b">a\nAC\n>b", "'b' has no letters")
        self.refuse(tmp_path, b">\nAC\n", "without a name")

    @pytest.mark.parametrize(
        ("letter", "remedy"),
        [("R", "IUPAC"), ("y", "IUPAC"), ("U", "RNA"), ("*", "replace"), (">", "replace")],
    )
    def test_letter(self, tmp_path, letter, remedy):
        text = ">a\nACGT\n>b\r\nACG\r\nTA" + letter + "GG\r\n"
        self.refuse(tmp_path, text.encode(), f"letter '{re.escape(letter)}' at b:5 .*{remedy}")

    def test_nul_byte(self, tmp_path):
        self.refuse(tmp_path, b">a\nAC\0\0\0\0GT", "a:2 ")

    def test_iupac_as_n(self, tmp_path):
        path = tmp_path / "g.fa"
        path.write_text(">a\nACRyKG\n")
        assert decode(open_genome(path, iupac="n").codes("a")) == "ACNNNG"
        self.refuse(tmp_path, b">a\nAC-G\n", "a:2 ", iupac="n")

    def test_truncated_gzip(self, tmp_path):
        data = gzip.compress(fasta_text({"a": decode(np.random.default_rng(0).integers(0, 4, 5000))}).encode())
        for keep in (len(data) // 2, len(data) - 9, len(data) - 1):
            self.refuse(tmp_path, data[:keep], "truncated")

    def test_damaged_gzip(self, tmp_path):
        data = bytearray(gzip.compress(fasta_text(SEQUENCES).encode()))
        data[len(data) // 2] ^= 0xFF
        self.refuse(tmp_path, bytes(data), "damaged|truncated|letter|not a FASTA")

    def test_unknown_chromosome(self, tmp_path):
        path = tmp_path / "g.fa"
        path.write_text(fasta_text(SEQUENCES))
        with pytest.raises(UserError, match=r"'chr3'.*chr1, chr2, chr10"):
            open_genome(path).codes("chr3")

    def test_changed_file(self, tmp_path):
        path = tmp_path / "g.fa"
        path.write_text(fasta_text(SEQUENCES))
        genome = open_genome(path)
        path.write_text(">chr1 a description > of chr1\nACGT\n")
        with pytest.raises(UserError, match="changed"):
            genome.codes("chr1")
        path.write_text(">chr1 a description > of chr1\n" + "A" * 5000)
        with pytest.raises(UserError, match="changed"):
            genome.codes("chr1")

    def test_alias_of_nothing(self, tmp_path):
        self.refuse(tmp_path, fasta_text(SEQUENCES).encode(), "'chrZ'", aliases={1: "chrZ"})


class TestNames:
    def test_known_names_map_to_themselves(self):
        assert resolve_chromosomes(["b", "a", "b"], {"a": 1, "b": 1}) == {"b": "b", "a": "a"}

    def test_aliases(self):
        sizes = {"chr1": 10, "chr2": 10}
        assert resolve_chromosomes(["1", "chr2"], sizes, aliases={1: "chr1"}) == {"1": "chr1", "chr2": "chr2"}

    @pytest.mark.parametrize(
        ("name", "in_genome"),
        [
            ("1", "chr1"),
            ("chr1", "1"),
            ("chrIV", "4"),
            ("4", "chrIV"),
            ("chr4", "chrIV"),
            ("XVI", "chr16"),
            ("MT", "chrM"),
            ("chrM", "MT"),
            ("chrMT", "Mito"),
            ("Mito", "chrM"),
            ("X", "chrX"),
        ],
    )
    def test_other_spelling_is_named(self, name, in_genome):
        with pytest.raises(UserError, match=f"{name!r}: {in_genome!r}"):
            resolve_chromosomes([name], {"other": 5, in_genome: 10}, missing="skip")
        assert other_spelling(name, ["other", in_genome]) == in_genome

    def test_x_is_not_the_tenth(self):
        assert other_spelling("chrX", ["10", "chr10"]) is None
        assert other_spelling("chr10", ["X", "chrX"]) is None

    def test_absent(self):
        with pytest.raises(UserError, match=r"peaks\.bed: chromosome 'plasmid'.*it has chr1, chr2"):
            resolve_chromosomes(["plasmid"], {"chr1": 1, "chr2": 1}, where="peaks.bed")
        assert resolve_chromosomes(["plasmid", "chr1"], {"chr1": 1}, missing="skip") == {"chr1": "chr1"}
        with pytest.raises(UserError, match="did you mean 'scaffold_12'"):
            resolve_chromosomes(["scafold_12"], {"chr1": 1, "scaffold_12": 1})
