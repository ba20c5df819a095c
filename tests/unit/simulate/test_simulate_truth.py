"""What the truth says is what the sequence and the signal show."""

import numpy as np
import pandas as pd
import pytest

from lucidna.ppm import information, reverse_complement_ppm
from lucidna.simulate.ppm import log_odds
from lucidna.truth import mask_windows


def window_counts(simulated, peaks: pd.DataFrame) -> np.ndarray:
    cuts = simulated.track("accessibility.bw")
    return np.array([cuts[c][s - 100 : s + 100].sum() for c, s in zip(peaks["chrom"], peaks["summit"], strict=True)])


@pytest.fixture(scope="module")
def strength_of_peak(simulated) -> pd.DataFrame:
    """Return log2 counts and the summed strength by motif, one row per peak."""
    table = simulated.instances.pivot_table(index="region", columns="motif", values="strength", aggfunc="sum")
    table = table.reindex(simulated.peaks["name"]).fillna(0.0)
    table["log2_counts"] = np.log2(1 + window_counts(simulated, simulated.peaks))
    return table


def test_every_motif_stands_where_the_bed_says_on_the_strand_it_says(simulated):
    for name, motif in simulated.motifs.items():
        ppm = np.array(motif["ppm"])
        here = simulated.instances[simulated.instances["motif"] == name]
        assert len(here) > 20
        assert set(here["strand"]) == {"+", "-"}
        for instance in here.itertuples():
            site = simulated.codes(instance.chrom)[instance.start : instance.end]
            table = log_odds(ppm if instance.strand == "+" else reverse_complement_ppm(ppm))
            score = table[np.arange(len(site)), site].sum()
            assert score >= motif["threshold_bits"] - 1e-3
            assert round(1000 * score / log_odds(ppm).max(axis=1).sum()) == pytest.approx(instance.score, abs=1)


def test_functional_motifs_gather_at_peaks_and_decoys_do_not(simulated):
    """A decoy lies at a peak as often as any base does, within binomial error."""
    covered = 0
    for chrom, text in simulated.sequences.items():
        near = np.zeros(len(text), dtype=bool)
        for summit in simulated.peaks.loc[simulated.peaks["chrom"] == chrom, "summit"]:
            near[summit - 150 : summit + 151] = True
        covered += near.sum()
    share = covered / sum(map(len, simulated.sequences.values()))
    for name, motif in simulated.motifs.items():
        here = simulated.instances[simulated.instances["motif"] == name]
        at_peak = (here["region"] != ".").mean()
        error = np.sqrt(share * (1 - share) / len(here))
        if motif["role"] == "decoy":
            assert abs(at_peak - share) < 3.5 * error
            assert (here["strength"] == 0).all()
        else:
            assert at_peak - share > (2 if motif["role"] == "repressor" else 8) * error


def test_instances_name_the_peak_they_lie_at(simulated):
    named = simulated.instances[simulated.instances["region"] != "."]
    peaks = simulated.peaks.set_index("name").loc[named["region"]]
    centre = (named["start"] + named["end"]).to_numpy() // 2
    assert (peaks["chrom"].to_numpy() == named["chrom"].to_numpy()).all()
    assert np.abs(peaks["summit"].to_numpy() - centre).max() <= 150


def test_effects_are_visible_in_the_signal(strength_of_peak, simulated):
    """A linear fit of log2 counts on summed strengths has the right sign and size for all but decoys."""
    columns = {name: [name] for name, motif in simulated.motifs.items() if motif["role"] not in ("decoy", "pair")}
    # The members of a pair come together, so that only their sum has a slope of its own.
    columns["pair"] = [name for name, motif in simulated.motifs.items() if motif["role"] == "pair"]
    design = np.column_stack([strength_of_peak[names].sum(axis=1) for names in columns.values()])
    design = np.column_stack([np.ones(len(design)), design])
    slopes = np.linalg.lstsq(design, strength_of_peak["log2_counts"], rcond=None)[0][1:]
    for name, slope in zip(columns, slopes, strict=True):
        assert 0.3 < slope < 1.5, name


def test_peaks_with_activators_are_higher_and_with_repressors_lower(strength_of_peak, simulated):
    roles = {role: [n for n, m in simulated.motifs.items() if m["role"] == role] for role in ("activator", "repressor")}
    counts, activation = strength_of_peak["log2_counts"], strength_of_peak[roles["activator"]].sum(axis=1)
    assert counts[activation > 4].mean() > counts[activation < 2].mean() + 1
    repressed = strength_of_peak[roles["repressor"]].sum(axis=1) < 0
    strong = activation > 2
    assert counts[strong & repressed].mean() < counts[strong & ~repressed].mean() - 0.7


def test_the_pair_acts_together_only(simulated, strength_of_peak):
    first, second = (motif for motif in simulated.motifs.values() if motif["role"] == "pair")
    assert (first["partner"], second["partner"]) == (second["name"], first["name"])
    spacing = first["spacing"]
    here = simulated.instances[simulated.instances["motif"].isin([first["name"], second["name"]])]
    one, two = (here[here["motif"] == motif["name"]] for motif in (first, second))
    strong = {name: set() for name in (first["name"], second["name"])}
    for strand, edge, sign in (("+", "start", 1), ("-", "end", -1)):
        left, right = one[one["strand"] == strand], two[two["strand"] == strand]
        for chrom in simulated.sequences:
            a, b = left[left["chrom"] == chrom], right[right["chrom"] == chrom]
            distance = sign * (b[edge].to_numpy()[None] - a[edge].to_numpy()[:, None])
            i, j = np.nonzero(np.abs(distance - spacing["start_to_start"]) <= spacing["slack"])
            strong[first["name"]] |= set(a.index[i])
            strong[second["name"]] |= set(b.index[j])
    full = here["strength"] > 0.6
    assert set(here.index[full]) == strong[first["name"]] | strong[second["name"]]
    assert 60 < full.sum() < len(here) - 60
    assert (here.loc[~full, "strength"] < 0.31).all()

    counts = strength_of_peak["log2_counts"]
    total = strength_of_peak[[first["name"], second["name"]]].sum(axis=1)
    both = (strength_of_peak[first["name"]] > 0) & (strength_of_peak[second["name"]] > 0)
    assert counts[total > 2].mean() > counts[both & (total < 1)].mean() + 1


def test_mask_is_strength_shared_out_by_information(simulated):
    """The bases of an instance that overlaps no other hold its |strength|, by their information."""
    table = simulated.instances[simulated.instances["strength"] != 0].sort_values(["chrom", "start"])
    alone = table[
        (table["start"] >= table["end"].shift(fill_value=0).where(table["chrom"] == table["chrom"].shift(), 0))
        & (table["end"] <= table["start"].shift(-1).where(table["chrom"] == table["chrom"].shift(-1), np.inf))
    ]
    for name in ("CTCF", "REST"):
        here = alone[alone["motif"] == name]
        assert len(here) > 20
        windows = mask_windows(simulated.folder / "truth" / "mask.bw", here["chrom"], here["start"], here["end"])
        np.testing.assert_allclose(windows.sum(axis=1), here["strength"].abs(), atol=1e-3)
        share = information(np.array(simulated.motifs[name]["ppm"]))
        forward = (here["strand"] == "+").to_numpy()
        np.testing.assert_allclose(
            windows[forward],
            here["strength"].abs().to_numpy()[forward, None] * share / share.sum(),
            atol=1e-3,
        )


def test_mask_is_zero_outside_functional_instances(simulated):
    functional = simulated.instances[simulated.instances["strength"] != 0]
    for chrom, track in simulated.track("truth/mask.bw").items():
        covered = np.zeros(len(track), dtype=bool)
        for instance in functional[functional["chrom"] == chrom].itertuples():
            covered[instance.start : instance.end] = True
        np.testing.assert_array_equal(track > 0, covered)


def test_bound_motifs_leave_a_footprint(simulated):
    """Cuts inside strong instances fall well below those beside them."""
    cuts = simulated.track("accessibility.bw")
    strong = simulated.instances[(simulated.instances["strength"] > 1) & (simulated.instances["region"] != ".")]
    inside = sum(cuts[i.chrom][i.start : i.end].sum() for i in strong.itertuples())
    beside = sum(
        cuts[i.chrom][i.start - 5 : i.start].sum() + cuts[i.chrom][i.end : i.end + 5].sum() for i in strong.itertuples()
    )
    width = (strong["end"] - strong["start"]).sum()
    assert inside / width < 0.75 * beside / (10 * len(strong))


def test_sites_are_richer_in_gc_and_some_hold_no_motif(simulated):
    gc_peak, gc_all = [], []
    for chrom in simulated.sequences:
        codes = simulated.codes(chrom)
        gc = (codes == 1) | (codes == 2)
        gc_all.append(gc.mean())
        gc_peak += [gc[s - 100 : s + 100].mean() for s in simulated.peaks.query("chrom == @chrom")["summit"]]
    assert np.mean(gc_peak) > np.mean(gc_all) + 0.02
    assert 5 < simulated.summary["peaks_without_motifs"] < 60


def test_summary_counts_and_ceiling(simulated):
    for name, counts in simulated.summary["instances"].items():
        assert counts["everywhere"] == (simulated.instances["motif"] == name).sum()
    assert 0.8 < simulated.summary["ceiling_pearson"] < 0.97
    assert 0.7 < simulated.summary["ceiling_pearson_peaks"] < simulated.summary["ceiling_pearson"]
