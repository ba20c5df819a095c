import numpy as np
import pandas as pd
import pytest

from lucidna.files import read_json, read_tsv
from lucidna.report import motifs_section, provenance, ranking_section, training_section, truth_section
from lucidna.report.collect import Experiment, appearance, read_table

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


def test_ranking_describes_every_state(experiment):
    context = ranking_section.section(experiment)
    rows = {row[1]: row for row in texts(context["panel"])}
    assert len(rows) == 14
    verdict = read_json(experiment.root / "rank" / "verdict.json")
    assert rows[verdict["best"]][0] == "1 [1, 3]"
    assert rows[verdict["best"]][2] == "delivered; on the Pareto front"
    assert "not separable from the best" in rows[verdict["inseparable"][0]][2]
    states = " | ".join(row[2] for row in rows.values())
    assert "vetoed: its c_cos" in states
    assert "failed: no maps" in states
    assert "control: label shuffled" in states
    assert [title for title, _ in context["scatters"]][:2] == ["score", "consensus cosine"]
    assert len(context["families"].rows) == 6


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
    assert rows[1][8] == "motifB GC box (3.0×10⁻⁴)"
    assert rows[2][8] == "–"
    assert (block["draws"], block["null_count"], len(block["null"])) == (1, 1, 1)
    assert block["numbers"]["supported patterns"] == 2


def test_hits_are_counted_at_each_level_and_placed(experiment):
    hits = pd.DataFrame(
        {
            "start": [100, 110, 300],
            "end": [110, 120, 310],
            "pattern": ["pos_patterns.pattern_0"] * 2 + ["neg_patterns.pattern_1"],
            "q_value": [0.005, 0.15, 0.09],
            "region_id": ["a", "a", "b"],
        }
    )
    table = motifs_section.hits_table(hits)
    assert texts(table) == [["pos 0", "2", "1", "1", "1", "2", "1"], ["neg 1", "1", "0", "0", "1", "1", "1"]]
    regions = pd.DataFrame({"region_id": ["a", "b"], "summit": [105, 400]})
    assert motifs_section.hit_positions(hits, regions).tolist() == [0, 10, -95]
    assert motifs_section.hit_positions(hits, None).size == 0


def test_truth_finds_what_was_planted(experiment):
    context = truth_section.section(experiment)
    captions = {table.caption.split(" (")[0].split(":")[0]: table for table in context["tables"]}
    planted = texts(captions["Planted motifs and patterns"])
    assert [row[3] for row in planted] == ["yes", "yes", "yes", "no"]
    assert planted[3][:3] == ["motifD", "decoy", "no"]
    found = {row[0]: float(row[4]) for row in texts(captions["Instances found by hits with q ≤ 0.1"])}
    assert set(found) == set(MOTIFS.values())
    assert all(0.3 < recall < 0.9 for recall in found.values())
    maps = texts(captions["Maps"])
    assert [row[0] for row in maps] == ["saliency", "deepshap", "ism"]
    assert all(row[1] == "20" for row in maps)
    question = next(table for caption, table in captions.items() if caption.startswith("Does the ranking"))
    ranked = {row[0]: float(row[2].split()[0].replace("−", "-")) for row in texts(question)}
    assert ranked["score"] > 0.6
    assert "validation Pearson r" in ranked
    assert context["figures"]


def test_map_quality_follows_the_noise_of_the_candidates(experiment):
    quality_frame = truth_section.candidate_quality(experiment, experiment.truth / "mask.bw")
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
    auroc, _ = truth_section.score_maps(maps, codes, rows, mask)
    assert all(np.isnan(auroc) | (auroc == 0.5))


def test_correlation_has_an_interval():
    frame = pd.DataFrame({"a": np.arange(20.0), "b": np.arange(20.0) + np.tile([0, 3.0], 10)})
    found = truth_section.correlation(frame, "a", "b")
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
    found = truth_section.correlation(frame, "a", "b")
    assert found["spearman"] == pytest.approx(1)
    assert np.isnan(found["spearman_lo"])
    assert np.isnan(found["spearman_hi"])
