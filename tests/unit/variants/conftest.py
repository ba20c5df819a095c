"""A small genome, VCFs of it, and a network that counts a word."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from lucidna.genome import open_genome
from lucidna.sequence import decode, encode

HEAD = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n##contig=<ID=chr2>\n"
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


class WordNet(nn.Module):
    """Twice the number of perfect matches of a word, plus one; on request a profile that follows the matches."""

    def __init__(self, word, *, length=100, output=60, profile=False):
        super().__init__()
        self.conv = nn.Conv1d(4, 1, len(word), bias=False)
        kernel = torch.full((4, len(word)), -1.0)
        kernel[torch.from_numpy(encode(word).astype(np.int64)), torch.arange(len(word))] = 1.0
        self.conv.weight = nn.Parameter(kernel[None])
        self.width, self.profile, self.crop = len(word), profile, (length - output) // 2

    def forward(self, x, control=None):
        matches = torch.relu(self.conv(x) - self.width + 1)
        scalar = 1 + 2 * matches.sum(dim=2)
        if not self.profile:
            return scalar
        padded = nn.functional.pad(matches, (0, self.width - 1))
        return 4 * padded[:, :, self.crop : x.shape[2] - self.crop], scalar


@pytest.fixture
def world(tmp_path):
    """Two chromosomes without the word TGCCTTA, but for one at position 200 of chr1."""
    rng = np.random.default_rng(4)
    chroms = {name: rng.integers(0, 3, size=size).astype(np.uint8) for name, size in (("chr1", 400), ("chr2", 300))}
    chroms["chr1"][200:207] = encode("TGCCTTA")
    fasta = tmp_path / "genome.fa"
    fasta.write_text("".join(f">{name}\n{decode(codes)}\n" for name, codes in chroms.items()))

    def write(*lines, head=HEAD, name="variants.vcf", samples=(), info="."):
        """Write records; with samples, each a heterozygote with its own depth."""
        path = tmp_path / name
        calls = [f"0/1:{5 + number}" for number in range(len(samples))]
        more = "\t".join(["", ".", ".", info, *(["GT:DP", *calls] if samples else [])])
        columns = "\t".join([COLUMNS.strip(), *(["FORMAT", *samples] if samples else [])]) + "\n"
        path.write_text(head + columns + "".join("\t".join(map(str, line)) + more + "\n" for line in lines))
        return path

    return SimpleNamespace(
        chroms=chroms, fasta=fasta, genome=open_genome(fasta), write=write, folder=tmp_path, WordNet=WordNet
    )
