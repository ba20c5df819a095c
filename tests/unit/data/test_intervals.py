import gzip

import pytest

from lucidna.errors import UserError
from lucidna.intervals import check_against_genome, read_blacklist, read_intervals


@pytest.fixture
def write(tmp_path):
    def write_lines(*lines, name="peaks.bed", end="\n"):
        path = tmp_path / name
        path.write_bytes((end.join(lines) + end).encode())
        return path

    return write_lines


def narrow(chrom, start, end, summit, name="p"):
    return f"{chrom}\t{start}\t{end}\t{name}\t7\t.\t1.5\t2\t3\t{summit}"


def test_narrowpeak_is_centred_on_the_summit_and_on_the_midpoint_where_there_is_none(write):
    path = write("track name=x", "#c", "", narrow("chr1", 100, 200, 10, "a"), narrow("chr1", 300, 500, -1, "b"))
    frame = read_intervals(path)
    assert frame["summit"].tolist() == [110, 400]
    assert frame["centred_on"].tolist() == ["summit", "midpoint"]
    assert frame["line"].tolist() == [4, 5]
    assert frame["name"].tolist() == ["a", "b"]
    assert frame["score"].tolist() == [7.0, 7.0]
    assert read_intervals(path, centre="midpoint")["summit"].tolist() == [150, 400]


def test_bed3_takes_the_midpoint_and_has_no_name_score_or_strand(write):
    frame = read_intervals(write("chr1\t100\t203", "chr2\t0\t5"))
    assert frame["summit"].tolist() == [151, 2]
    assert frame[["name", "strand"]].to_numpy().tolist() == [[".", "."]] * 2
    assert frame["score"].isna().all()


def test_bed6_keeps_the_strand(write):
    frame = read_intervals(write("chr1\t0\t10\ta\t3\t-", "chr1\t0\t12\tb\t.\t+"))
    assert frame["strand"].tolist() == ["-", "+"]
    assert frame["score"].iloc[0] == 3
    assert frame["score"].isna().iloc[1]


def test_twenty_columns_are_a_narrowpeak_only_under_that_name(write):
    line = narrow("chr1", 100, 200, 10) + "\t1" * 10
    assert read_intervals(write(line, name="idr.narrowPeak"))["summit"].tolist() == [110]
    assert read_intervals(write(line, name="other.bed"))["summit"].tolist() == [150]


def test_gzip_windows_line_ends_and_spaces_read_alike(write, tmp_path):
    plain = read_intervals(write("chr1\t5\t25\ta", "chr2\t7\t9\tb"))
    windows = read_intervals(write("chr1\t5\t25\ta", "chr2\t7\t9\tb", name="crlf.bed", end="\r\n"))
    spaces = read_intervals(write("chr1 5   25 a", "chr2 7 9 b", name="spaces.bed"))
    packed = tmp_path / "packed.bed.gz"
    packed.write_bytes(gzip.compress(b"chr1\t5\t25\ta\nchr2\t7\t9\tb\n"))
    for other in (windows, spaces, read_intervals(packed)):
        assert other.equals(plain)


def test_tabs_keep_the_spaces_of_a_name(write):
    assert read_intervals(write("chr1\t5\t25\tmy peak"))["name"].tolist() == ["my peak"]


def test_aliases_rename(write):
    frame = read_intervals(write("1\t5\t25", "chr2\t5\t25"), aliases={"1": "chr1"})
    assert frame["chrom"].tolist() == ["chr1", "chr2"]


def test_several_summits_of_one_interval_are_different_peaks(write):
    path = write(narrow("chr1", 0, 100, 10), narrow("chr1", 0, 100, 60))
    assert read_intervals(path)["summit"].tolist() == [10, 60]
    with pytest.raises(UserError, match="lines 1 and 2 are the same region"):
        read_intervals(path, centre="midpoint")


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("chr1\t100", ["there are 2 columns", "at least 3"]),
        ("chr1\tx\t200", ["start (column 2) is 'x'", "not a whole number"]),
        ("chr1\t1e3\t2000", ["'1e3'", "not a whole number"]),
        ("chr1\t10\t20.5", ["end (column 3) is '20.5'"]),
        ("chr1\t200\t200", ["start 200 is not below the end 200"]),
        ("chr1\t300\t200", ["start 300 is not below the end 200"]),
        ("chr1\t-5\t200", ["start -5 is negative"]),
        ("\t5\t200", ["chromosome (column 1) is empty"]),
        ("chr1\t5\t6\tagain", ["lines 1 and 2 are the same region", "chr1:5-6", "remove"]),
    ],
)
def test_a_bad_line_is_named(write, line, parts):
    path = write("chr1\t5\t6", line)
    with pytest.raises(UserError) as error:
        read_intervals(path)
    for part in [str(path), "2", *parts]:
        assert part in str(error.value)


@pytest.mark.parametrize("summit", [100, 5000, -2])
def test_a_summit_outside_its_interval_is_an_error(write, summit):
    path = write(narrow("chr1", 0, 50, 5), narrow("chr1", 100, 200, summit))
    with pytest.raises(UserError, match=f"line 2: the summit .* {summit} lies outside the interval of 100 bp"):
        read_intervals(path)


def test_a_short_line_of_a_narrowpeak_is_an_error(write):
    with pytest.raises(UserError, match="line 2: there are 3 columns: give at least 10"):
        read_intervals(write(narrow("chr1", 0, 50, 5), "chr1\t5\t9"))


def test_summit_refuses_what_has_none(write):
    with pytest.raises(UserError, match=r"no summit.*set it to 'midpoint'"):
        read_intervals(write("chr1\t5\t9"), centre="summit")
    with pytest.raises(UserError, match=r"line 1: the summit .* is -1.*'auto'"):
        read_intervals(write(narrow("chr1", 5, 9, -1)), centre="summit")


def test_an_unknown_centre_is_an_error(write):
    with pytest.raises(UserError, match=r"'regions\.centre' is 'peak'"):
        read_intervals(write("chr1\t5\t9"), centre="peak")


@pytest.mark.parametrize("lines", [[""], ["track x", "# nothing"]])
def test_an_empty_file_is_an_error(write, lines):
    with pytest.raises(UserError, match="has no intervals: give"):
        read_intervals(write(*lines))


def test_files_that_cannot_be_text_are_errors(tmp_path):
    with pytest.raises(UserError, match="there is no file"):
        read_intervals(tmp_path / "none.bed")
    with pytest.raises(UserError, match="cannot be read"):
        read_intervals(tmp_path)
    (tmp_path / "cut.bed.gz").write_bytes(gzip.compress(b"chr1\t5\t9\n" * 1000)[:-20])
    with pytest.raises(UserError, match="damaged gzip"):
        read_intervals(tmp_path / "cut.bed.gz")
    (tmp_path / "peaks.bb").write_bytes(b"\xeb\xf2\x89\x87\x04\x00\x00\x00")
    with pytest.raises(UserError, match="binary file"):
        read_intervals(tmp_path / "peaks.bb")


def test_the_genome_must_have_the_chromosome(write):
    path = write("chr1\t5\t9", "chr2\t5\t9", "2\t5\t9")
    with pytest.raises(UserError) as error:
        check_against_genome(read_intervals(path), {"chr1": 100, "chr2": 100}, path)
    for part in (str(path), "line 3", "'2'", "'chr2'", "genome.aliases"):
        assert part in str(error.value)


def test_an_interval_past_the_end_is_an_error_and_one_across_it_a_notice(write):
    across = write("chr1\t5\t9", "chr1\t80\t105")
    (notice,) = check_against_genome(read_intervals(across), {"chr1": 100}, across)
    assert "1 intervals" in notice
    assert "line 2" in notice
    assert check_against_genome(read_intervals(across), {"chr1": 105}, across) == []
    past = write("chr1\t5\t9", "chr1\t90\t130")
    with pytest.raises(UserError, match=r"line 2: the interval chr1:90-130 is past the end of chr1 \(100 bp\)"):
        check_against_genome(read_intervals(past), {"chr1": 100}, past)


def test_what_no_index_can_hold_is_refused(write):
    sizes = {"chr1A": 594_000_000}
    inside = read_intervals(write("chr1A\t536870800\t536870912"))
    assert check_against_genome(inside, sizes, "p.bed") == []
    beyond = read_intervals(write("chr1A\t10\t20", "chr1A\t536870800\t536870913"))
    with pytest.raises(UserError, match=r"p.bed: 1 intervals end beyond 536,870,912 bp .* at 536,870,913 of chr1A"):
        check_against_genome(beyond, sizes, "p.bed")


def test_blacklist_passes_over_repeats_and_absent_chromosomes(write):
    path = write("chr1\t5\t9", "chr1\t5\t9", "chrUn\t0\t9")
    intervals, notices = read_blacklist(path, {"chr1": 100})
    assert intervals["chrom"].tolist() == ["chr1", "chr1"]
    assert "chrUn" in notices[0]
    assert read_blacklist(path, {"chr1": 100, "chrUn": 50})[1] == []
    with pytest.raises(UserError, match="has no chromosome of the genome"):
        read_blacklist(path, {"chrZ": 100})
    with pytest.raises(UserError, match=r"'chr1'.*'1'"):
        read_blacklist(path, {"1": 100})


def test_real_peak_files(shared_data):
    macs = read_intervals(shared_data / "yeast_atac" / "macs3_cuts_peaks.narrowPeak", centre="summit")
    assert len(macs) == 2510
    assert (macs["chrom"] == "chrM").sum() == 71
    first = macs.iloc[0]
    assert (first["chrom"], first["start"], first["end"], first["summit"]) == ("chrI", 0, 602, 164)
    summits = read_intervals(shared_data / "yeast_atac" / "macs3_cuts_summits.bed")
    assert macs["summit"].tolist() == summits["start"].tolist()
    hmmratac = read_intervals(shared_data / "yeast_atac" / "hmmratac_yeast500k_bedpe_accessible_regions.narrowPeak")
    assert len(hmmratac) == 1605
    assert hmmratac["line"].iloc[0] == 2
    assert hmmratac["summit"].iloc[0] == 238
    tss = read_intervals(shared_data / "yeast_stripeseq_tss" / "tss_clusters_top5000.bed")
    assert len(tss) == 5000
    assert set(tss["strand"]) == {"+", "-"}
    assert tss["summit"].iloc[0] == 24839
