import json
from pathlib import Path

import numpy as np
import pyBigWig
import pytest

from lucidna.checks import check_inputs, found_for, input_state
from lucidna.errors import UserError
from lucidna.files import sha256, write_json

SIZES = {"chr1": 6000, "chr2": 5000, "chr3": 4000, "chr4": 3000}


def write_track(path, sizes=SIZES, change=lambda chrom, values: values):
    rng = np.random.default_rng(0)
    with pyBigWig.open(str(path), "w") as track:
        track.addHeader(list(sizes.items()))
        for chrom, size in sizes.items():
            values = change(chrom, rng.integers(0, 9, size=size).astype(float))
            track.addEntries(chrom, 0, values=values, span=1, step=1)
    return path


def write_genome(path, change=lambda chrom, letters: letters):
    rng = np.random.default_rng(0)
    letters = {chrom: change(chrom, "".join(rng.choice(list("ACGT"), size=n))) for chrom, n in SIZES.items()}
    path.write_text("".join(f">{chrom}\n{text}\n" for chrom, text in letters.items()))
    return path


def write_peaks(path, *more, drop=()):
    lines = [(chrom, s, s + 100) for chrom in SIZES if chrom not in drop for s in (1000, 1500)]
    path.write_text("".join(f"{chrom}\t{start}\t{end}\n" for chrom, start, end in [*lines, *more]))
    return path


def write_sheet(path, **columns):
    path.write_text("\t".join(columns) + "\n" + "\t".join(str(value) for value in columns.values()) + "\n")
    return path


@pytest.fixture
def settings(tmp_path):
    track = write_track(tmp_path / "t.bw")
    return {
        "genome": str(write_genome(tmp_path / "g.fa")),
        "aliases": {},
        "regions": {
            "peaks": str(write_peaks(tmp_path / "p.bed")),
            "centre": "auto",
            "exclude_chromosomes": [],
            "blacklist": None,
            "negatives": {"ratio": 1.0, "gc_bin": 0.05, "max_n": 0.1, "seed": 0},
        },
        "tracks_sheet": str(write_sheet(tmp_path / "tracks.tsv", name="t", bigwig=track)),
        "sequences": None,
        "window": {"input": 200, "output": 100, "jitter": 10},
        "target": "counts",
        "folds": {"fold0": {"valid": ["chr3"], "test": ["chr4"]}},
    }


def write_vcf(path, genome, *, shift=0, contig="chr3"):
    """A substitution at position 700; it may say that it stands elsewhere."""
    letter = dict(part.split("\n")[:2] for part in Path(genome).read_text().split(">")[1:])["chr3"][699]
    record = [contig, 700 + shift, ".", letter, "ACGT"["ACGT".index(letter) - 1], ".", ".", "."]
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
    path.write_text(f"##fileformat=VCFv4.2\n{columns}\n" + "\t".join(map(str, record)) + "\n")
    return str(path)


def refused(settings, *parts):
    with pytest.raises(UserError) as error:
        check_inputs(**settings)
    message = str(error.value)
    assert "\n" not in message
    for part in parts:
        assert str(part) in message, message


def test_good_inputs_give_a_summary_for_json(settings, tmp_path):
    found = json.loads(json.dumps(check_inputs(**settings), allow_nan=False))
    assert found["sizes"] == SIZES
    assert list(found["sizes"]) == list(SIZES)
    assert found["n_peaks"] == 8
    assert [track["name"] for track in found["tracks"]] == ["t"]
    names = ("g.fa", "p.bed", "tracks.tsv", "t.bw")
    assert found["digests"] == {str(tmp_path / name): sha256(tmp_path / name) for name in names}
    assert "8 windows are centred" not in " ".join(found["notices"])
    assert "0 windows are centred on summits and 8 on midpoints" in found["notices"][0]


def test_binary_target_needs_no_track_but_negatives(settings):
    settings |= {"target": "binary", "tracks_sheet": None}
    assert check_inputs(**settings)["tracks"] == []
    settings["regions"]["negatives"]["ratio"] = 0
    refused(settings, "regions.negatives.ratio", "target 'binary'")


def test_counts_target_needs_tracks(settings):
    settings["tracks_sheet"] = None
    refused(settings, "'target' is 'counts'", "name a track sheet")


@pytest.mark.parametrize("key", ["genome", "peaks", "blacklist", "tracks_sheet"])
def test_a_missing_file_is_named_with_its_key(settings, tmp_path, key):
    where = settings if key in settings else settings["regions"]
    where[key] = str(tmp_path / "absent")
    named = {"genome": "genome.fasta", "tracks_sheet": "tracks"}.get(key, f"regions.{key}")
    refused(settings, f"'{named}'", tmp_path / "absent", "correct the path")


def test_a_missing_bigwig_is_named_with_its_line(settings, tmp_path):
    write_sheet(tmp_path / "tracks.tsv", name="t", bigwig=tmp_path / "absent.bw")
    refused(settings, "tracks.tsv", "line 2", "absent.bw")


def test_a_file_that_is_no_bigwig(settings, tmp_path):
    (tmp_path / "t.bw").write_text("chr1\t0\t10\t1\n")
    refused(settings, "t.bw", "bigWig")


def test_a_truncated_bigwig(settings, tmp_path):
    whole = (tmp_path / "t.bw").read_bytes()
    (tmp_path / "t.bw").write_bytes(whole[: len(whole) * 2 // 3])
    refused(settings, "t.bw", "truncated")


def test_output_larger_than_input(settings):
    settings["window"] = {"input": 200, "output": 300, "jitter": 0}
    refused(settings, "window.output 300 is larger than window.input 200")


def test_window_longer_than_every_chromosome(settings):
    settings["window"]["input"] = 5990
    refused(settings, "window.input 5990", "6010 bp", "longest being chr1 with 6000 bp")


def test_window_that_fits_no_peak(settings):
    settings["window"]["input"] = 4000
    refused(settings, "p.bed", "all 8 peaks", "window.input")


def test_window_longer_than_some_chromosomes_is_a_notice(settings, tmp_path):
    write_peaks(tmp_path / "p.bed", ("chr1", 2900, 3100), ("chr2", 2500, 2700), ("chr3", 1900, 2100))
    settings["window"]["input"] = 3500
    settings["regions"]["negatives"]["ratio"] = 0
    settings["folds"] = {"auto": 3}
    found = check_inputs(**settings)
    assert any("3520 bp" in notice and "longer than chr4;" in notice for notice in found["notices"])
    assert found["n_peaks"] == 3


def test_peaks_named_in_another_way_get_an_alias_hint(settings, tmp_path):
    write_peaks(tmp_path / "p.bed", ("2", 5, 9))
    refused(settings, "p.bed", "line 9", "'2'", "'chr2'", "genome.aliases")
    settings["aliases"] = {"2": "chr2"}
    check_inputs(**settings)


def test_tracks_named_in_another_way_get_an_alias_hint(settings, tmp_path):
    write_track(tmp_path / "t.bw", {chrom.removeprefix("chr"): size for chrom, size in SIZES.items()})
    refused(settings, "t.bw", "'chr1'", "'1'", "genome.aliases")
    settings["aliases"] = {chrom.removeprefix("chr"): chrom for chrom in SIZES}
    check_inputs(**settings)


def test_a_region_past_the_chromosome_end(settings, tmp_path):
    write_peaks(tmp_path / "p.bed", ("chr2", 5100, 5300))
    refused(settings, "p.bed", "line 9", "chr2:5100-5300", "past the end of chr2 (5000 bp)")


def test_an_empty_bed(settings, tmp_path):
    (tmp_path / "p.bed").write_text("# no peaks\n")
    refused(settings, "p.bed", "no intervals")


def test_start_not_below_end(settings, tmp_path):
    write_peaks(tmp_path / "p.bed", ("chr2", 300, 200))
    refused(settings, "p.bed", "line 9", "300", "200")


def test_duplicate_regions(settings, tmp_path):
    write_peaks(tmp_path / "p.bed", ("chr2", 1500, 1600))
    refused(settings, "p.bed", "lines 4 and 9", "chr2:1500-1600")


def test_an_all_zero_track(settings, tmp_path):
    write_track(tmp_path / "t.bw", change=lambda chrom, values: values * 0)
    refused(settings, "track t", "t.bw", "zero")


def test_a_track_that_is_zero_on_one_chromosome_is_a_notice(settings, tmp_path):
    write_track(tmp_path / "t.bw", change=lambda chrom, values: values * (chrom != "chr2"))
    notices = check_inputs(**settings)["notices"]
    assert [notice for notice in notices if "zero throughout" in notice] == [
        f"track t: bigwig {tmp_path / 't.bw'} is zero throughout chr2"
    ]


def test_nan_in_a_track(settings, tmp_path):
    def spoil(chrom, values):
        values[700] = np.nan if chrom == "chr2" else 1
        return values

    write_track(tmp_path / "t.bw", change=spoil)
    refused(settings, "t.bw", "chr2", "nan")


def test_a_track_of_another_assembly(settings, tmp_path):
    write_track(tmp_path / "t.bw", {**SIZES, "chr2": 4800})
    refused(settings, "t.bw", "chr2", "4800", "5000")


def test_a_track_without_a_used_chromosome(settings, tmp_path):
    write_track(tmp_path / "t.bw", {chrom: size for chrom, size in SIZES.items() if chrom != "chr3"})
    refused(settings, "t.bw", "chr3")


def test_strange_letters_in_the_genome(settings, tmp_path):
    write_genome(tmp_path / "g.fa", lambda chrom, text: text[:70] + "R" + text[71:] if chrom == "chr3" else text)
    refused(settings, "g.fa", "'R'", "chr3:70")


def test_letters_of_an_unused_chromosome_do_not_matter(settings, tmp_path):
    write_genome(tmp_path / "g.fa", lambda chrom, text: "R" + text[1:] if chrom == "chr2" else text)
    write_peaks(tmp_path / "p.bed", drop=["chr2"])
    check_inputs(**settings)


def test_a_fold_without_regions(settings, tmp_path):
    write_peaks(tmp_path / "p.bed", drop=["chr4"])
    refused(settings, "fold 'fold0'", "0 peaks", "test split (chr4)")


def test_a_fold_whose_only_peaks_are_off_the_edge(settings, tmp_path):
    write_peaks(tmp_path / "p.bed", ("chr4", 2950, 2990), drop=["chr4"])
    refused(settings, "fold 'fold0'", "0 peaks", "test split (chr4)")


def test_a_fold_that_the_blacklist_empties(settings, tmp_path):
    (tmp_path / "black.bed").write_text("chr4\t0\t3000\n")
    settings["regions"]["blacklist"] = str(tmp_path / "black.bed")
    refused(settings, "p.bed: 2 peaks are dropped (2 for blacklist)", "fold 'fold0'", "0 peaks", "test split (chr4)")


def test_too_few_validation_peaks(settings):
    assert check_inputs(**settings, fewest_valid=2)["n_peaks"] == 8
    refused(settings | {"fewest_valid": 3}, "fold 'fold0' has 2 peaks", "valid split (chr3)", "needs 3 or more")


def test_negatives_that_do_not_fit(settings):
    settings["regions"]["negatives"]["ratio"] = 500
    refused(settings, "negatives fit", "regions.negatives.ratio (now 500)")


def test_a_fold_that_overlaps_itself(settings):
    settings["folds"]["fold0"]["valid"].append("chr4")
    refused(settings, "folds.fold0", "'chr4'", "valid and test")


def test_an_unknown_chromosome_in_a_fold(settings):
    settings["folds"]["fold0"]["valid"] = ["3"]
    refused(settings, "folds.fold0.valid", "'3'", "did you mean 'chr3'")


def test_excluded_chromosomes(settings):
    settings["regions"]["exclude_chromosomes"] = ["chr2"]
    found = check_inputs(**settings)
    assert found["n_peaks"] == 6
    assert any("2 peaks on chr2 are excluded" in notice for notice in found["notices"])
    settings["regions"]["exclude_chromosomes"] = ["chr22"]
    refused(settings, "regions.exclude_chromosomes", "'chr22'", "did you mean 'chr2'")
    settings["regions"]["exclude_chromosomes"] = list(SIZES)
    refused(settings, "all 8 peaks", "exclude fewer")


def test_peaks_on_an_excluded_contig_need_not_be_in_the_genome(settings):
    path = Path(settings["regions"]["peaks"])
    path.write_text(path.read_text() + path.read_text().splitlines()[-1].replace("chr", "chrUn_", 1) + "\n")
    settings["regions"]["exclude_chromosomes"] = [path.read_text().splitlines()[-1].split("\t")[0]]
    found = check_inputs(**settings)
    assert any("1 peaks on chrUn_" in notice for notice in found["notices"])


def test_a_blacklist_of_another_genome(settings, tmp_path):
    (tmp_path / "black.bed").write_text("X\t0\t10\n")
    settings["regions"]["blacklist"] = str(tmp_path / "black.bed")
    refused(settings, "black.bed", "no chromosome of the genome")
    (tmp_path / "black.bed").write_text("chr1\t0\t10\n")
    assert str(tmp_path / "black.bed") in check_inputs(**settings)["digests"]


def test_neither_genome_nor_sequences(settings):
    settings["genome"] = None
    refused(settings, "no 'genome'")


@pytest.fixture
def reporter(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["id\tsequence\tactivity\tbatch"]
    lines += [f"s{i}\t{''.join(rng.choice(list('ACGT'), size=50))}\t{rng.random():.3f}\tb{i % 3}" for i in range(30)]
    (tmp_path / "seqs.tsv").write_text("\n".join(lines) + "\n")
    return {
        "sequences": {
            "table": str(tmp_path / "seqs.tsv"),
            "activities": ["activity"],
            "group": "batch",
            "seed": 0,
        },
        "window": {"input": 50, "output": 50, "jitter": 0},
        "target": "counts",
        "folds": {"fold0": {"valid": ["b1"], "test": ["b2"]}},
    }


def test_sequences_are_checked_with_their_groups(reporter, tmp_path):
    found = json.loads(json.dumps(check_inputs(**reporter)))
    assert found["sizes"] is None
    assert found["n_peaks"] == 30
    assert found["tracks"] == [{"name": "activity"}]
    assert found["digests"] == {str(tmp_path / "seqs.tsv"): sha256(tmp_path / "seqs.tsv")}
    reporter["folds"]["fold0"]["test"] = ["b7"]
    refused(reporter, "folds.fold0.test", "'b7'")
    reporter["sequences"]["table"] = str(tmp_path / "absent.tsv")
    refused(reporter, "sequences.table", "absent.tsv")


def test_a_constant_activity_is_refused(reporter, tmp_path):
    text = (tmp_path / "seqs.tsv").read_text().splitlines()
    fields = [line.split("\t") for line in text]
    (tmp_path / "seqs.tsv").write_text(
        "\n".join("\t".join([a, b, "0.5" if i else c, d]) for i, (a, b, c, d) in enumerate(fields)) + "\n"
    )
    refused(reporter, "seqs.tsv", "'activity' is 0.5 for every sequence")


def test_activities_of_a_binary_target_are_classes(reporter, tmp_path):
    reporter["target"] = "binary"
    refused(reporter, "seqs.tsv, line 2", "activity is 0.", "every activity is 0 or 1")


def test_what_was_found_holds_for_the_same_settings_and_files_only(settings, tmp_path):
    found = check_inputs(**settings)
    checked = tmp_path / "checked.json"

    def write():
        write_json(checked, {"state": input_state({"window": 1}, found["digests"]), "found": found})

    write()
    assert found_for({"window": 1}, checked) == json.loads(json.dumps(found))
    with pytest.raises(UserError, match="run again"):
        found_for({"window": 2}, checked)
    assert not checked.exists()
    write()
    write_peaks(tmp_path / "p.bed", ("chr2", 3000, 3100))
    with pytest.raises(UserError, match="run again"):
        found_for({"window": 1}, checked)
    write()
    (tmp_path / "p.bed").unlink()
    with pytest.raises(UserError, match="run again"):
        found_for({"window": 1}, checked)
    assert not checked.exists()


def test_yeast(shared_data, tmp_path):
    atac = shared_data / "yeast_atac"
    found = check_inputs(
        genome=str(shared_data / "genome" / "sacCer3.2bit"),
        aliases={},
        regions={
            "peaks": str(atac / "macs3_cuts_peaks.narrowPeak"),
            "centre": "summit",
            "exclude_chromosomes": ["chrM"],
            "negatives": {"ratio": 2.0, "gc_bin": 0.02, "max_n": 0.1, "seed": 0},
        },
        tracks_sheet=str(
            write_sheet(tmp_path / "tracks.tsv", name="atac", bigwig=atac / "atac_SRR1822137_insertions.bw")
        ),
        window={"input": 500, "output": 200, "jitter": 32},
        target="binary",
        folds={"fold0": {"valid": ["chrII", "chrXI"], "test": ["chrV", "chrXIII"]}},
    )
    assert found["n_peaks"] == 2510 - 71 - 28
    assert found["sizes"]["chrIV"] == 1531933
    assert any("71 peaks on chrM are excluded" in notice for notice in found["notices"])


def test_variants_are_read_against_the_genome(settings, tmp_path):
    vcf = tmp_path / "v.vcf"
    alone = check_inputs(**settings)
    assert check_inputs(**settings, variants=write_vcf(vcf, settings["genome"])) == alone
    settings["variants"] = str(vcf)
    write_vcf(vcf, settings["genome"], contig="scaffold_1")
    refused(settings, vcf, "none of its contigs (scaffold_1)")
    write_vcf(vcf, settings["genome"], contig="3")
    refused(settings, vcf, "genome.aliases: {'3': 'chr3'}")
    write_vcf(vcf, settings["genome"], shift=4000)
    refused(settings, vcf, "outside of their chromosome", "chr3:4700")
    letters = Path(settings["genome"]).read_text().split(">chr3\n")[1]
    other = next(step for step in range(1, 99) if letters[699 + step] != letters[699])
    write_vcf(vcf, settings["genome"], shift=other)
    refused(settings, vcf, "the reference allele of 1 of 1 records is not the genome's", f"chr3:{700 + other}")
    vcf.write_text("chr3\t5\n")
    refused(settings, vcf, "not a VCF that can be read")
    settings["variants"] = str(tmp_path / "absent.vcf")
    refused(settings, "variants.vcf", "absent.vcf", "which is no file")
