"""One small simulated data set, read back from its files, shared by the tests of this folder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pytest

from lucidna.files import read_json
from lucidna.simulate import simulate
from lucidna.truth import read_instances

CHROMOSOMES = {"chr1": 240_000, "chr2": 130_000}
PEAKS = 500


@dataclass
class Simulated:
    folder: Path
    sequences: dict[str, str]
    peaks: pd.DataFrame
    instances: pd.DataFrame
    motifs: dict[str, dict]
    summary: dict

    def codes(self, chrom: str) -> np.ndarray:
        lookup = np.full(128, 4, dtype=np.uint8)
        lookup[[ord(base) for base in "ACGT"]] = range(4)
        return lookup[np.frombuffer(self.sequences[chrom].upper().encode(), dtype=np.uint8)]

    def track(self, name: str) -> dict[str, np.ndarray]:
        bigwig = pyBigWig.open(str(self.folder / name))
        values = {c: np.nan_to_num(bigwig.values(c, 0, n, numpy=True)) for c, n in bigwig.chroms().items()}
        bigwig.close()
        return values


def read_fasta(path: Path) -> dict[str, str]:
    records = path.read_text().split(">")[1:]
    return {text.split("\n", 1)[0]: text.split("\n", 1)[1].replace("\n", "") for text in records}


@pytest.fixture(scope="session")
def simulated(tmp_path_factory) -> Simulated:
    folder = tmp_path_factory.mktemp("simulated")
    simulate(folder, seed=3, chromosomes=CHROMOSOMES, peaks=PEAKS, difficulty="standard")
    columns = ["chrom", "start", "end", "name", "score", "strand", "enrichment", "p", "q", "offset"]
    peaks = pd.read_csv(folder / "peaks.narrowPeak", sep="\t", header=None, names=columns)
    return Simulated(
        folder=folder,
        sequences=read_fasta(folder / "genome.fa"),
        peaks=peaks.assign(summit=peaks["start"] + peaks["offset"]),
        instances=read_instances(folder / "truth" / "instances.bed"),
        motifs={motif["name"]: motif for motif in read_json(folder / "truth" / "motifs.json")},
        summary=read_json(folder / "truth" / "summary.json"),
    )
