"""The files of a simulation are valid, complete, and the same for the same seed."""

import numpy as np
import pytest

from lucidna.errors import UserError
from lucidna.files import sha256
from lucidna.meme import read_meme
from lucidna.simulate import simulate

CHROMOSOMES = {"chr1": 240_000, "chr2": 130_000}


def test_the_folder_holds_what_a_user_would_bring_and_the_truth(simulated):
    files = {str(path.relative_to(simulated.folder)) for path in simulated.folder.rglob("*") if path.is_file()}
    assert files == {
        "genome.fa",
        "peaks.narrowPeak",
        "accessibility.bw",
        "cuts_plus.bw",
        "cuts_minus.bw",
        "database.meme",
        "truth/instances.bed",
        "truth/mask.bw",
        "truth/motifs.json",
        "truth/summary.json",
        "truth/variants.tsv",
        "variants.vcf",
    }


def test_fasta(simulated):
    assert {name: len(text) for name, text in simulated.sequences.items()} == CHROMOSOMES
    for text in simulated.sequences.values():
        assert set(text) <= set("ACGTNacgtn")
        lower = sum(map(str.islower, text)) / len(text)
        assert 0.03 < lower < 0.25
        unknown = np.frombuffer(text.upper().encode(), dtype=np.uint8) == ord("N")
        assert 50 <= unknown.sum() <= 500
        assert np.abs(np.diff(unknown.astype(int))).sum() == 2  # one run
    lines = (simulated.folder / "genome.fa").read_text().splitlines()
    assert max(map(len, lines)) == 60


def test_peaks_are_sorted_disjoint_and_hold_their_summit(simulated):
    peaks = simulated.peaks
    assert len(peaks) == 500
    assert peaks["name"].is_unique
    assert peaks["score"].between(0, 1000).all()
    assert ((peaks["offset"] >= 0) & (peaks["summit"] < peaks["end"])).all()
    for chrom, here in peaks.groupby("chrom"):
        assert (here["start"].to_numpy()[1:] >= here["end"].to_numpy()[:-1]).all()
        assert here["start"].min() >= 0
        assert here["end"].max() <= CHROMOSOMES[chrom]


def test_peaks_stand_out_and_summits_are_where_the_cuts_are(simulated):
    cuts = simulated.track("accessibility.bw")
    at_summit = np.array(
        [
            cuts[c][s - 40 : s + 40].sum()
            for c, s in zip(simulated.peaks["chrom"], simulated.peaks["summit"], strict=True)
        ]
    )
    beside = np.array(
        [
            cuts[c][s + 40 : s + 120].sum()
            for c, s in zip(simulated.peaks["chrom"], simulated.peaks["summit"], strict=True)
        ]
    )
    everywhere = np.mean([track.mean() for track in cuts.values()]) * 80
    assert at_summit.mean() > 3 * everywhere
    assert at_summit.mean() > 1.3 * beside.mean()


def test_tracks_hold_counts_and_the_strands_add_up(simulated):
    both, plus, minus = (simulated.track(f"{n}.bw") for n in ("accessibility", "cuts_plus", "cuts_minus"))
    for chrom, length in CHROMOSOMES.items():
        assert len(both[chrom]) == length
        assert both[chrom].sum() > 0.05 * length
        np.testing.assert_array_equal(both[chrom], np.rint(both[chrom]))
        np.testing.assert_array_equal(both[chrom], plus[chrom] + minus[chrom])
        assert not np.array_equal(plus[chrom], minus[chrom])
        assert both[chrom][simulated.codes(chrom) == 4].sum() == 0
    assert simulated.summary["cuts"] == sum(track.sum() for track in both.values())


def test_the_forward_strand_leads_on_the_rising_flank(simulated):
    plus, minus = simulated.track("cuts_plus.bw"), simulated.track("cuts_minus.bw")
    lead = {"left": 0.0, "right": 0.0}
    for chrom, summit in zip(simulated.peaks["chrom"], simulated.peaks["summit"], strict=True):
        difference = plus[chrom] - minus[chrom]
        lead["left"] += difference[summit - 110 : summit - 50].sum()
        lead["right"] += difference[summit + 50 : summit + 110].sum()
    assert lead["left"] > 100
    assert lead["right"] < -100


def test_database_holds_planted_and_unrelated_motifs(simulated):
    database = {motif.name: motif.ppm for motif in read_meme(simulated.folder / "database.meme")}
    assert list(database)[:10] == list(simulated.motifs)
    assert len(database) == 30
    for name, motif in simulated.motifs.items():
        np.testing.assert_allclose(database[name], motif["ppm"], atol=2e-5)
    text = (simulated.folder / "database.meme").read_text()
    rows = [line.split() for line in text.splitlines() if line[:2] in ("0.", "1.")]
    assert {sum(round(float(value) * 1e6) for value in row) for row in rows} == {1_000_000}


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    arguments = {"chromosomes": {"chrA": 30_000}, "peaks": 20, "difficulty": "easy"}
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        simulate(tmp_path / name, seed=seed, **arguments)
    for path in sorted(p for p in (tmp_path / "first").rglob("*") if p.is_file()):
        relative = path.relative_to(tmp_path / "first")
        assert sha256(path) == sha256(tmp_path / "again" / relative), relative
        if relative.name != "motifs.json":
            assert sha256(path) != sha256(tmp_path / "other" / relative), relative


def test_a_chromosome_does_not_depend_on_those_after_it(tmp_path):
    simulate(tmp_path / "one", seed=5, chromosomes={"chrA": 30_000}, peaks=30)
    simulate(tmp_path / "two", seed=5, chromosomes={"chrA": 30_000, "chrB": 30_000}, peaks=60)
    one, two = ((tmp_path / name / "genome.fa").read_text() for name in ("one", "two"))
    assert two.startswith(one)


def test_a_chromosome_may_be_too_short_for_any_peak(tmp_path):
    simulate(tmp_path, seed=0, chromosomes={"long": 60_000, "short": 1000}, peaks=20)
    lines = (tmp_path / "peaks.narrowPeak").read_text().splitlines()
    assert len(lines) == 20
    assert all(line.startswith("long\t") for line in lines)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"difficulty": "standrad"}, "did you mean 'standard'"),
        ({"difficulty": 3}, "easy, standard, hard"),
        ({"peaks": 1000}, "fewer peaks or longer chromosomes"),
        ({"peaks": 0}, "0 peaks"),
        ({"seed": -1}, "seed -1"),
        ({"chromosomes": {}}, "0 chromosomes"),
        ({"chromosomes": {"chr1": 30_000, "chr2": 900}}, "'chr2' 900 bp"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, change, message):
    arguments = {"seed": 0, "chromosomes": {"chr1": 30_000}, "peaks": 20, **change}
    with pytest.raises(UserError, match=message):
        simulate(tmp_path, **arguments)
