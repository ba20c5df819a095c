import dataclasses

import numpy as np
import pandas as pd
import pytest

from lucidna.errors import UserError
from lucidna.files import read_json, read_tsv, write_json, write_tsv
from lucidna.report import (
    disagreement_section,
    hits_section,
    motifs_section,
    panel_table,
    provenance,
    ranking_section,
    training_section,
    truth_inputs,
    truth_maps,
    truth_ranking,
    truth_section,
)
from lucidna.report.collect import Experiment, appearance, read_table
from lucidna.report.patterns_part import null_parts

from .made_up import MOTIFS, make_candidates, quality


@pytest.fixture
def experiment(written) -> Experiment:
    root, arguments = written
    return Experiment(
        root=root,
        page=root / "report" / "report.html",
        config=arguments["config"],
        candidates=arguments["candidates"],
        truth=root / "simulate" / "truth",
        benchmarks=root / "benchmarks",
        examples=3,
    )


def texts(table) -> list[list[str]]:
    return [[str(cell.text) for cell in row] for row in table.rows]


def test_looks_tell_recipes_and_architectures_apart():
    candidates = make_candidates()
    looks = appearance(candidates)
    for candidate in candidates:
        for other in candidates:
            same = looks[candidate["id"]] == looks[other["id"]]
            settings = [(c["architecture"], c["recipe"]) for c in (candidate, other)]
            assert same == (settings[0] == settings[1])


def column(table, name: str, group: str = "") -> list[str]:
    """Return what stands in a column; of those with the same name, in that of a group."""
    (place,) = [i for i, c in enumerate(table.columns) if c.label == name and (not group or c.group == group)]
    return [row[place] for row in texts(table)]


def test_ranking_describes_every_state(experiment):
    context = ranking_section.section(experiment)
    panel = context["panel"]
    verdict = read_json(experiment.root / "rank" / "verdict.json")
    names = column(panel, "candidate")
    assert len(names) == 14
    state = dict(zip(names, column(panel, "state"), strict=True))
    reason = dict(zip(names, column(panel, "reason"), strict=True))
    assert dict(zip(names, column(panel, "rank"), strict=True))[verdict["best"]] == "1 [1, 3]"
    assert state[verdict["best"]] == "delivered; on the Pareto front"
    assert "not separable from the best" in state[verdict["inseparable"][0]]
    (vetoed,) = [name for name, words in state.items() if words == "vetoed"]
    assert reason[vetoed].startswith("its c_cos 0.501 is not above")
    (failed,) = [name for name, words in state.items() if words == "failed"]
    assert reason[failed] == "no maps"
    assert "control: label shuffled" in state.values()
    assert [title for title, _ in context["scatters"]][:2] == ["score", "consensus cosine"]
    # A mark that is grey says why when it is pointed at.
    assert "vetoed: its c_cos 0.501 is not above" in context["scatters"][0][1]


def test_what_is_set_aside_follows_in_the_order_of_the_ranking(experiment):
    ranking = read_tsv(experiment.root / "rank" / "ranking.tsv")
    ranking.loc[len(ranking) - 2 :, "rank"] = np.nan
    panel = ranking_section.joined(read_tsv(experiment.root / "rank" / "panel.tsv"), ranking.iloc[::-1])
    unranked = ranking.iloc[::-1].loc[ranking["rank"].isna(), "id"].tolist()
    assert panel["candidate"].tolist()[-len(unranked) :] == unranked


def test_the_panel_shows_one_group_of_columns_at_a_time(experiment):
    panel = ranking_section.section(experiment)["panel"]
    assert panel.groups[:3] == ["Decision", "Agreement", "Each network alone"]
    assert panel.groups[-2:] == ["On shuffled sequences", "Less the best"]
    always = [c.label for c in panel.columns if not c.group]
    assert always == ["rank", "candidate"]
    places = [panel.place(index) for index in range(len(panel.columns))]
    assert places[:3] == ["", "", "g0"]
    assert places[-1] == f"g{len(panel.groups) - 1}"
    assert set(column(panel, "consensus cosine, shuffled", "On shuffled sequences")) == {"0.111 [0.100, 0.122]"}
    beside = column(panel, "consensus cosine", "On shuffled sequences")
    assert beside == column(panel, "consensus cosine", "Agreement")
    less = read_tsv(experiment.root / "rank" / "differences.tsv").set_index("id")
    best = column(panel, "candidate")[0]
    for name, text in zip(column(panel, "candidate"), column(panel, "consensus cosine", "Less the best"), strict=True):
        wanted = "–" if name == best or name not in less.index else f"{less.loc[name, 'difference']:.3f}"
        assert text.replace("−", "-").split(" ")[0] == wanted


def test_a_criterion_without_a_group_is_shown_all_the_same(experiment):
    panel = read_tsv(experiment.root / "rank" / "panel.tsv").rename(columns={"id": "candidate"})
    records = ranking_section.describe(panel.assign(new_idea=0.25), experiment.candidates, {}, "r")
    table = panel_table.panel_table(panel.assign(new_idea=0.25), records, None, "r")
    assert set(column(table, "new idea", "Others")) == {"0.250"}


def test_families_carry_their_intervals_over_seeds(experiment):
    families = ranking_section.section(experiment)["families"]
    table = read_tsv(experiment.root / "rank" / "families.tsv")
    assert len(families.rows) == 6
    for text, row in zip(column(families, "score"), table.itertuples(), strict=True):
        assert text == f"{row.score_mean:.2f} [{row.score_mean_lo:.2f}, {row.score_mean_hi:.2f}]"


def test_metrics_of_prediction_are_shown_by_track(experiment):
    tracks = read_tsv(experiment.root / "rank" / "prediction.tsv")
    table = ranking_section.section(experiment)["prediction"]
    # One track: its row says what the mean over tracks would say again.
    assert set(column(table, "track")) == {"accessibility"}
    first = tracks[(tracks["metric"] == "spearman") & (tracks["id"] == column(table, "candidate")[0])]["value"].iloc[0]
    assert column(table, "Spearman")[0].startswith(f"{first:.2f} [")
    two = pd.concat([tracks, tracks[tracks["task"] != "all"].assign(task="other")])
    shown = panel_table.prediction_table(two, tracks["id"].tolist())
    assert len(shown.rows) == 3 * len(table.rows)
    many = pd.concat([tracks.assign(task=f"track{index}") for index in range(40)] + [tracks])
    few = panel_table.prediction_table(many, tracks["id"].tolist())
    assert set(column(few, "track")) == {"all"}
    assert "means over 41 tracks" in few.caption
    assert panel_table.prediction_table(None, []) is None


def test_candidates_that_disagree_are_drawn_on_one_scale(experiment):
    context = ranking_section.section(experiment)["disagreement"]
    assert [word for word, _, _ in context["candidates"]] == ["best", "median", "worst"]
    assert "delivered" in context["candidates"][0][2]
    assert "1 − cosine" in context["lead"]
    table = read_tsv(experiment.root / "rank" / "disagreement.tsv")
    assert [example["region"] for example in context["examples"]] == table["region_id"].head(3).tolist()
    example, row = context["examples"][0], table.iloc[0]
    assert f"best and worst {row['cos_best_worst']:.3f}".replace("-", "−") in example["words"]
    rows = read_tsv(experiment.root / "data" / "rows.tsv").set_index("region_id")
    chrom, rest = example["place"].split(":")
    start = int(rest.split("-")[0].replace(",", ""))
    assert chrom == rows.loc[row["region_id"], "chrom"]
    assert 0 <= start - (rows.loc[row["region_id"], "summit"] - 128) <= 256 - 100
    assert example["svg"].count("<svg") == 4  # the figure, and a logo for each of the three


def test_no_disagreement_without_two_candidates_or_without_files(experiment, tmp_path):
    folder = tmp_path / "rank"
    folder.mkdir()
    other = Experiment(root=tmp_path, page=tmp_path / "a.html", config={}, candidates=[])
    assert disagreement_section.section(other, {}) is None
    table = read_tsv(experiment.root / "rank" / "disagreement.tsv")
    write_tsv(folder / "disagreement.tsv", table)
    (folder / "disagreement.npz").write_bytes(b"none")
    with pytest.raises(UserError, match=r"disagreement.npz does not hold maps"):
        disagreement_section.section(other, {})
    maps, codes = np.zeros((1, 4, 4, 50), dtype=np.float32), np.zeros((4, 50), dtype=np.uint8)
    np.savez(folder / "disagreement.npz", ids=np.array(["a"]), words=np.array(["best"]), maps=maps, codes=codes)
    assert disagreement_section.section(other, {}) is None


def test_a_recipe_of_which_nothing_competes_has_no_colour(experiment):
    ranking = read_tsv(experiment.root / "rank" / "ranking.tsv").rename(columns={"id": "candidate"})
    grey = ranking["candidate"].str.contains("evoaug")
    ranking.loc[grey, "status"] = "gated"
    records = ranking_section.describe(ranking, experiment.candidates, {}, "r")
    colours = dict(ranking_section.legend(experiment.candidates, records)["recipes"])
    assert colours["evoaug"] is None
    assert colours["standard"] is not None


def test_pareto_front_is_what_nothing_surpasses():
    points = [(1.0, 3.0), (2.0, 2.0), (3.0, 1.0), (2.0, 1.5), (np.nan, 9.0), (2.0, 2.0)]
    assert ranking_section.pareto_front(points) == [(1.0, 3.0), (2.0, 2.0), (3.0, 1.0), (2.0, 2.0)]


def test_training_charts_mark_the_change_of_stage(experiment):
    context = training_section.section(experiment)
    titles = [title for title, _ in context["charts"]]
    assert titles == ["Validation Pearson r", "Loss: training (dashed) and validation"]
    picture = context["charts"][0][1]
    assert picture.count('class="boundary"') == 2  # the two families that are fine-tuned
    assert picture.count("chart-title") == 8
    assert context["failed"] == [(make_candidates()[3]["id"], "the loss became NaN at epoch 4")]
    assert [row[0] for row in texts(context["test"])] == [candidate["id"] for candidate in make_candidates()]


def test_patterns_carry_matches_labels_and_hits(experiment):
    block = motifs_section.section(experiment)["blocks"][0]
    rows = texts(block["patterns"])
    hits = read_tsv(experiment.root / "motifs" / "accessibility" / "counts" / "hits.tsv")
    for number, (row, word) in enumerate(zip(rows, MOTIFS, strict=True)):
        assert row[0].startswith("<svg")
        assert row[1:3] == [f"pos {number}", word]
        assert row[-1] == str((hits["pattern"] == f"pos_patterns.pattern_{number}").sum())
    assert [row[8:11] for row in rows] == [
        ["4 of 5", "1 of 2", "0 of 2 (1 not searched)"],
        ["2 of 5", "–", "1 of 2"],
        ["0 of 5", "–", "– (2 not searched)"],
    ]
    assert [row[11] for row in rows] == ["half of pos 1", "composite of pos 0+ + pos 0- spacing 3", "–"]
    assert rows[1][12] == "motifB GC box (3.0×10⁻⁴)"
    assert rows[2][12] == "–"
    assert [(null["words"], null["draws"], null["count"], len(null["logos"])) for null in block["nulls"]] == [
        ("shuffled sequences", 1, 1, 1),
        ("permuted maps", 2, 0, 0),
    ]
    assert texts(block["saturation"])[0] == ["0.50", "120", "2.5", "2.0", "2", "1", "4"]
    assert "Patterns in the maps of a single candidate that are like none of the mean maps': 2 of c1." in block["notes"]
    assert block["numbers"]["supported patterns"] == 2


def test_hits_are_counted_at_each_level_and_placed(experiment):
    hits = pd.DataFrame(
        {
            "start": [100, 110, 300],
            "end": [110, 120, 310],
            "pattern": ["pos_patterns.pattern_0"] * 2 + ["neg_patterns.pattern_1"],
            "q_value": [0.005, 0.15, 0.09],
            "region_id": ["a", "a", "b"],
            "label": ["supported"] * 2 + ["weak"],
        }
    )
    table = hits_section.hits_table(hits, fdr=0.1)
    assert texts(table) == [
        ["pos 0", "supported", "2", "1", "1", "1", "2", "1"],
        ["neg 1", "weak", "1", "0", "0", "1", "1", "1"],
    ]
    assert table.css == ["", "set-aside"]
    # The best hits of instances are counted at the rate asked for.
    numbered = hits_section.hits_table(hits.assign(best=1, q_value=[0.005, 0.03, 0.09]), fdr=0.02)
    assert [column.label for column in numbered.columns][7] == "instances, q ≤ 0.02"
    assert [row[7] for row in texts(numbered)] == ["1", "0"]
    assert motifs_section.key_numbers(None, hits, fdr=0.1)["instances, q ≤ 0.1"] == 1
    regions = pd.DataFrame({"region_id": ["a", "b"], "summit": [105, 400]})
    assert hits_section.hit_positions(hits, regions).tolist() == [0, 10, -95]
    assert hits_section.hit_positions(hits, None).size == 0


def test_draws_of_an_earlier_run_do_not_count(experiment):
    fewer = dataclasses.replace(experiment, config={**experiment.config, "motifs": {"permuted_draws": 1}})
    assert [part["draws"] for part in null_parts(experiment, "accessibility", "counts")] == [1, 2]
    assert [part["draws"] for part in null_parts(fewer, "accessibility", "counts")] == [1, 1]


def test_truth_finds_what_was_planted(experiment):
    context = truth_section.section(experiment)
    captions = {table.caption.split(" (")[0].split(":")[0]: table for table in context["tables"]}
    planted = texts(captions["Planted motifs and patterns"])
    assert [row[3] for row in planted] == ["yes", "yes", "yes", "no"]
    assert planted[3][:3] == ["motifD", "decoy", "no"]
    found = {row[0]: float(row[4]) for row in texts(captions["Instances found by hits with q ≤ 0.1"])}
    assert set(found) == set(MOTIFS.values())
    # The hits of the third pattern do not count: it is as in the null.
    assert all(0.3 < found[name] < 0.9 for name in list(MOTIFS.values())[:2])
    assert found[list(MOTIFS.values())[2]] == 0
    maps = texts(captions["Maps"])
    assert [row[0] for row in maps] == ["saliency", "deepshap", "ism"]
    assert all(row[1] == "20" for row in maps)
    question = next(table for caption, table in captions.items() if caption.startswith("Does the ranking"))
    ranked = {row[0]: float(row[2].split()[0].replace("−", "-")) for row in texts(question)}
    assert ranked["score"] > 0.6
    assert "validation Pearson r" in ranked
    assert context["figures"]


def test_map_quality_follows_the_noise_of_the_candidates(experiment):
    quality_frame = truth_maps.candidate_quality(experiment, experiment.truth / "mask.bw")
    assert len(quality_frame) == 14
    known = {candidate["id"]: quality(candidate) for candidate in make_candidates()}
    order = quality_frame["candidate"].map(known)
    assert np.corrcoef(order, quality_frame["aupr"])[0, 1] > 0.9
    assert (
        (quality_frame["aupr_lo"] <= quality_frame["aupr"]) & (quality_frame["aupr"] <= quality_frame["aupr_hi"])
    ).all()
    control = quality_frame["candidate"].str.contains("random_weights")
    assert quality_frame.loc[control, "auroc"].item() < 0.65


def test_unknown_bases_count_as_no_contribution(experiment):
    mask = experiment.truth / "mask.bw"
    rows = read_tsv(experiment.root / "data" / "rows.tsv").head(2)
    maps = np.ones((2, 4, 8), dtype=np.float32)
    codes = np.full((2, 10), 4, dtype=np.uint8)
    auroc, _ = truth_maps.score_maps(maps, codes, rows, mask)
    assert all(np.isnan(auroc) | (auroc == 0.5))


def test_correlation_has_an_interval():
    frame = pd.DataFrame({"a": np.arange(20.0), "b": np.arange(20.0) + np.tile([0, 3.0], 10)})
    found = truth_ranking.correlation(frame, "a", "b")
    assert found["spearman_lo"] <= found["spearman"] <= found["spearman_hi"]
    assert 0.8 < found["spearman"] < 1


def test_costs_are_summed_per_rule(tmp_path):
    (tmp_path / "train").mkdir()
    for name, seconds, memory in (("train/a", 10.0, 500.0), ("train/b", 50.0, 2048.0), ("rank", 5.0, 100.0)):
        line = f"s\th:m:s\tmax_rss\tcpu_time\n{seconds}\t0:00:10\t{memory}\t-\n"
        (tmp_path / f"{name}.tsv").write_text(line)
    (tmp_path / "other.tsv").write_text("a\tb\n1\t2\n")
    table = provenance.rule_costs(tmp_path)
    assert texts(table) == [
        ["rank", "1", "5.0 s", "5.0 s", "–", "100 MiB"],
        ["train", "2", "1 min 00 s", "50.0 s", "–", "2.0 GiB"],
    ]
    assert "1 min 05 s" in table.caption
    assert provenance.rule_costs(tmp_path / "nowhere") is None


def test_regions_are_counted_per_fold_and_split(experiment):
    table = provenance.region_counts(read_tsv(experiment.root / "data" / "regions.tsv"))
    assert texts(table) == [
        ["all", "all", "60", "60"],
        ["fold0", "train", "20", "20"],
        ["fold0", "valid", "20", "20"],
        ["fold0", "test", "20", "20"],
    ]


def test_versions_here_and_at_training_are_listed(experiment):
    rows = {row[0]: row for row in texts(provenance.versions(experiment))}
    assert rows["torch"][2] == "2.13.0"
    assert rows["jinja2"][1] != "–"
    assert rows["python"][1].startswith("3.")
    assert "training 0, 1" in provenance.seeds(experiment)


def test_an_empty_table_is_absent(tmp_path):
    (tmp_path / "empty.tsv").write_text("")
    assert read_table(tmp_path / "empty.tsv") is None
    assert read_table(tmp_path / "nowhere.tsv") is None


def test_correlation_of_a_few_rows_has_none():
    frame = pd.DataFrame({"a": np.arange(5.0), "b": np.arange(5.0)})
    found = truth_ranking.correlation(frame, "a", "b")
    assert found["spearman"] == pytest.approx(1)
    assert np.isnan(found["spearman_lo"])
    assert np.isnan(found["spearman_hi"])


def test_inputs_and_training_stand_beside_the_truth(experiment):
    windows = truth_inputs.windows_table(experiment)
    assert "mean GC" in windows.caption
    table = {row[0]: row[2:] for row in texts(windows)}
    planted = [float(values[0]) for values in table.values()]
    assert max(planted) > 0
    summary = experiment.truth / "summary.json"
    write_json(summary, {**(read_json(summary) if summary.is_file() else {}), "ceiling_pearson": 0.9})
    experiment.config["target"] = "counts"
    training = truth_inputs.training_table(experiment)
    shown = texts(training)
    assert shown[0] == [truth_inputs.CEILING, "0.900"]
    assert any(row[0].startswith("control: ") for row in shown)
    experiment.config["target"] = "binary"
    assert truth_inputs.training_table(experiment) is None


def test_digests_of_later_stages_are_listed_once():
    motifs = {"digests": {"database.meme": "b" * 64}}
    more = [motifs, motifs, None, {"digests": {"variants.vcf": "a" * 64}}, {"digests": {}}, {}]
    table = provenance.input_digests({"digests": {"genome.fa": "c" * 64}}, more=more)
    rows = [[cell.text for cell in row] for row in table.rows]
    assert rows == [["database.meme", "b" * 64], ["genome.fa", "c" * 64], ["variants.vcf", "a" * 64]]
