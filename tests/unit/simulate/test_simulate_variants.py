"""The simulated variants do what their kind says."""

import numpy as np
import pysam

from lucidna.files import read_tsv
from lucidna.sequence import encode
from lucidna.simulate.ppm import score_windows
from lucidna.simulate.variants import N_OF_A_KIND


def read(simulated):
    return read_tsv(simulated.folder / "truth" / "variants.tsv")


def changed(simulated, row):
    """The chromosome with the alternative allele."""
    sequence = simulated.sequences[row.chrom].upper()
    start = row.position - 1
    assert sequence[start : start + len(row.ref)] == row.ref
    return sequence[:start] + row.alt + sequence[start + len(row.ref) :]


def test_vcf_and_table_hold_the_same_variants(simulated):
    table = read(simulated)
    with pysam.VariantFile(str(simulated.folder / "variants.vcf")) as handle:
        records = [(r.id, r.contig, r.pos, r.ref, r.alts[0]) for r in handle]
    assert records == list(table[["id", "chrom", "position", "ref", "alt"]].itertuples(index=False, name=None))
    counts = table["kind"].value_counts()
    assert set(counts.index) == {"breaks", "deletes", "decoy", "background"}
    assert counts.max() <= N_OF_A_KIND
    assert counts.min() >= 20


def test_broken_instances_score_far_less_and_background_is_clear_of_them(simulated):
    table = read(simulated)
    spans = simulated.instances
    for row in table.itertuples(index=False):
        near = spans[(spans["chrom"] == row.chrom) & (spans["start"] < row.position) & (spans["end"] >= row.position)]
        if row.kind == "background":
            assert near.empty
            assert row.strength == 0
            continue
        ppm = np.array(simulated.motifs[row.motif]["ppm"])
        width = ppm.shape[1]
        best = []
        for sequence in (simulated.sequences[row.chrom].upper(), changed(simulated, row)):
            codes = encode(sequence[row.position - width : row.position + width - 1].replace("N", "A"))
            scores = [score_windows(codes, matrix) for matrix in (ppm, ppm[::-1, ::-1])]
            best.append(max(score.max() for score in scores))
        assert best[1] < best[0] - 2
        assert (row.strength == 0) == (row.kind == "decoy")
