"""Make up the files of an experiment, with plausible numbers, for tests of the report; always the same."""

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyBigWig

from lucidna.attribution.agreement import region_agreement
from lucidna.files import read_tsv, write_json, write_tsv

MOTIFS = {"TCAGCA": "motifA", "GGGCGG": "motifB", "TGACTCA": "motifC"}
LENGTH = 256
TASK, HEAD = "accessibility", "counts"
PLACE = ("attribute", TASK, HEAD)


def make_candidates() -> list[dict]:
    """Two architectures x three recipes x two seeds, and two controls."""
    points = [
        (architecture, recipe, seed, "none")
        for architecture in ("cnn_shallow", "cnn_deep")
        for recipe in ("standard", "exponential", "evoaug")
        for seed in (0, 1)
    ]
    points += [("cnn_shallow", "standard", 0, control) for control in ("label_shuffled", "random_weights")]
    candidates = []
    for number, (architecture, recipe, seed, control) in enumerate(points):
        tail = "" if control == "none" else f"-{control}"
        candidates.append(
            {
                "id": f"{architecture}-{recipe}-fold0-s{seed}{tail}-{number:08x}",
                "architecture": architecture,
                "recipe": recipe,
                "family": f"{architecture}-{recipe}{tail}",
                "fold": "fold0",
                "seed": seed,
                "control": control,
            }
        )
    return candidates


def make_config() -> dict:
    return {
        "experiment": "made-up",
        "simulate": {"seed": 1},
        "regions": {"negatives": {"seed": 0}},
        "ranking": {"seed": 0},
        "attribution": {"methods": {"saliency": {}, "deepshap": {"max_delta": 0.001}, "ism": {}}, "seed": 0},
        "motifs": {"method": "deepshap", "fdr": 0.1, "seed": 0, "hits": {"trim": 0.3}},
    }


def make_experiment(root: Path) -> dict:
    """Write a whole experiment below `root` and return the keyword arguments of `write_report`."""
    rng = np.random.default_rng(7)
    candidates = make_candidates()
    rows = write_data(root, rng)
    drawn = [make_sequence(rng) for _ in range(len(rows))]
    write_training(root, candidates, rng)
    write_ranking(root, candidates, rng)
    write_ranked_maps(root, rows, drawn, candidates, rng)
    write_more_of_the_ranking(root, rows)
    write_maps(root, rows, drawn, candidates, rng)
    write_motifs(root, rows, drawn, rng)
    write_truth(root, rows, drawn)
    write_benchmarks(root, candidates, rng)
    return {
        "config": make_config(),
        "config_text": "experiment: made-up\nwindow: {input: 256, output: 200}  # bp\n",
        "candidates": candidates,
        "title": "A made-up experiment",
        "examples": 3,
        "truth_dir": root / "simulate" / "truth",
    }


def write_data(root: Path, rng: np.random.Generator) -> pd.DataFrame:
    n = 120
    summit = np.sort(rng.integers(1000, 480000, n))
    role = np.where(np.arange(n) % 2 == 0, "peak", "negative")
    rows = pd.DataFrame(
        {
            "region_id": [f"{kind}_{index + 1}" for index, kind in enumerate(role)],
            "chrom": np.repeat(["chr1", "chr3", "chr4"], n // 3),
            "start": summit - 150,
            "end": summit + 150,
            "summit": summit,
            "strand": ".",
            "role": role,
            "name": [f"p{index}" for index in range(n)],
            "gc": rng.uniform(0.3, 0.6, n).round(4),
            "source_line": np.arange(1, n + 1),
        }
    )
    write_tsv(root / "data" / "rows.tsv", rows)
    split = rows["chrom"].map({"chr1": "train", "chr3": "valid", "chr4": "test"})
    write_tsv(root / "data" / "regions.tsv", rows.assign(fold_fold0=split))
    dropped = pd.DataFrame(
        {
            "name": ["p900", "p901", "p902"],
            "chrom": "chr1",
            "start": [0, 10, 400],
            "end": [300, 310, 700],
            "role": "peak",
            "reason": ["edge", "edge", "n_content"],
        }
    )
    write_tsv(root / "data" / "dropped.tsv", dropped)
    digests = {"results/made-up/genome.fa": "ab" * 32, "results/made-up/peaks.narrowPeak": "cd" * 32}
    write_json(root / "data" / "inputs.json", {"digests": digests, "notices": ["the genome has no index yet"]})
    write_json(root / "data" / "dataset.json", {"digest": "ef" * 32, "tasks": [TASK]})
    return rows


def write_training(root: Path, candidates: list[dict], rng: np.random.Generator) -> None:
    tests = []
    for number, candidate in enumerate(candidates):
        folder = root / "train" / candidate["id"]
        epochs = 12
        level = quality(candidate) + rng.normal(0, 0.01)
        steps = np.arange(1, epochs + 1)
        pearson = level * (1 - np.exp(-steps / 3)) + rng.normal(0, 0.006, epochs)
        stage = ["train"] * epochs
        if candidate["recipe"] == "evoaug":
            stage = ["augment"] * 8 + ["finetune"] * 4
        history = pd.DataFrame(
            {
                "stage": stage,
                "epoch": steps - 1,
                "step": steps * 30,
                "train_loss": 1.4 - pearson * 1.1 + rng.normal(0, 0.01, epochs),
                "valid_loss": 1.5 - pearson,
                "valid_pearson": pearson,
                "seconds": 3.1,
                "learning_rate": 1e-3,
            }
        )
        write_tsv(folder / "history.tsv", history)
        failed = number == 3
        record = {
            "candidate": candidate["id"],
            "status": "failed" if failed else "ok",
            "reason": "the loss became NaN at epoch 4" if failed else "",
            "valid": {"loss": 0.71, "pearson": float(pearson.max()), "spearman": float(pearson.max() - 0.02)},
            "monitor": "valid_pearson",
            "best_epoch": int(pearson.argmax()),
            "epochs": epochs,
            "seconds": float(30 + number),
            "peak_rss_mb": 900.0 + 10 * number,
            "n_parameters": 61000 + number,
        }
        write_json(folder / "metrics.json", record)
        write_json(folder / "model.json", {"versions": {"torch": "2.13.0", "numpy": "2.4.6"}})
        tests.append({"candidate": candidate["id"], "task": TASK, "pearson": level - 0.02, "spearman": level - 0.04})
    write_tsv(root / "report" / "test_metrics.tsv", pd.DataFrame(tests))


def quality(candidate: dict) -> float:
    """Validation Pearson r of a made-up candidate."""
    if candidate["control"] != "none":
        return 0.02
    bonus = {"standard": 0.0, "exponential": 0.03, "evoaug": 0.05}[candidate["recipe"]]
    return 0.68 + bonus + (0.06 if candidate["architecture"] == "cnn_deep" else 0.0)


def write_ranking(root: Path, candidates: list[dict], rng: np.random.Generator) -> None:
    names = ("id", "family", "fold", "control")
    panel = []
    for number, candidate in enumerate(candidates):
        level = quality(candidate)
        row = {name: candidate[name] for name in names}
        for name, centre, width in (
            ("prediction", level + rng.normal(0, 0.01), 0.02),
            ("c_cos", 0.9 * level - 0.1 + rng.normal(0, 0.03), 0.015),
            ("c_snr", 4 * level + rng.normal(0, 0.2), 0.25),
            ("c_auc", 0.5 + level / 2 + rng.normal(0, 0.01), 0.01),
            ("sl_con", 0.3 + level / 2 + rng.normal(0, 0.02), 0.02),
            ("m1", 0.5 + level + rng.normal(0, 0.1), 0.1),
        ):
            known = np.nan if number == 3 else 1.0
            row |= {
                name: known * centre,
                f"{name}_lo": known * (centre - width),
                f"{name}_hi": known * (centre + width),
            }
        shuffled = {"c_cos_shuffled": 0.111, "c_cos_shuffled_lo": 0.1, "c_cos_shuffled_hi": 0.122}
        panel.append(row | shuffled | {"m1_null": 0.21 + 0.01 * rng.random()})
    frame = pd.DataFrame(panel)
    write_tsv(root / "rank" / "panel.tsv", frame)
    score = frame[["c_cos", "c_snr", "c_auc"]].rank(pct=True).mean(axis=1)
    status = np.where(frame["control"] != "none", "control", "passed")
    status[3] = "failed"
    competes = status == "passed"
    order = score.where(competes).rank(ascending=False, method="first")
    status[order == order.max()] = "vetoed"
    reasons = {
        "vetoed": "its c_cos 0.501 is not above 0.512, where a control's interval ends",
        "failed": "no maps",
    }
    ranking = pd.DataFrame(
        {
            "id": frame["id"],
            "status": status,
            "reason": [reasons.get(word, "") for word in status],
            "chosen": order <= 5,
            "score": score,
            "score_lo": score - 0.05,
            "score_hi": score + 0.05,
            "rank": order,
            "rank_lo": np.maximum(1, order - 2),
            "rank_hi": np.minimum(order.max(), order + 2),
            "top_share": np.clip(1.3 - order / 8, 0, 1),
            "family_rank": np.where(status == "passed", 1.0, np.nan),
        }
    ).sort_values("rank")
    write_tsv(root / "rank" / "ranking.tsv", ranking)
    best = list(ranking["id"].head(5))
    verdict = {
        "status": "cannot separate",
        "chosen": best,
        "best": best[0],
        "inseparable": best[1:2],
        "front": best[:1],
        "text": f"12 candidates and 2 controls were compared. The best is {best[0]}, but one is as good.",
        "notices": ["one fold only: nothing is known about other chromosomes"],
    }
    write_json(root / "rank" / "verdict.json", verdict)
    families = frame[frame["control"] == "none"].assign(score=score).groupby("family", sort=False)
    table = families.agg(
        n=("id", "size"),
        prediction_mean=("prediction", "mean"),
        prediction_sd=("prediction", "std"),
        score_mean=("score", "mean"),
        score_sd=("score", "std"),
    )
    table = table.assign(score_mean_lo=table["score_mean"] - 0.2, score_mean_hi=table["score_mean"] + 0.2)
    write_tsv(root / "rank" / "families.tsv", table.reset_index())


def make_sequence(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, list[tuple[int, str]]]:
    """Return codes (L,) with two motifs in them, contributions (L,), and where the motifs are."""
    codes = rng.integers(0, 4, LENGTH)
    value = rng.normal(0, 0.02, LENGTH)
    places = []
    for word, start in zip(rng.choice(list(MOTIFS), 2), (rng.integers(60, 118), rng.integers(130, 180)), strict=True):
        codes[start : start + len(word)] = ["ACGT".index(letter) for letter in word]
        value[start : start + len(word)] = 0.5 + rng.normal(0, 0.05, len(word))
        places.append((int(start), str(word)))
    return codes, value, places


def write_ranked_maps(
    root: Path, rows: pd.DataFrame, drawn: list, candidates: list[dict], rng: np.random.Generator
) -> None:
    """Write the data set's sequences and each candidate's validation maps, noisier for worse candidates."""
    jitter = 16
    codes = np.full((len(rows), LENGTH + 2 * jitter), 4, dtype=np.uint8)
    codes[:, jitter:-jitter] = [sequence for sequence, *_ in drawn]
    np.save(root / "data" / "sequences.npy", codes)
    chosen = np.flatnonzero((rows["role"] == "peak") & (rows["chrom"] == "chr3"))
    regions = pd.DataFrame({"region_id": rows["region_id"].to_numpy()[chosen], "row": chosen})
    write_tsv(root / "rank" / "regions" / "fold0.tsv", regions)
    (root / "rank" / "maps").mkdir(parents=True)
    for candidate in candidates:
        noise = 0.9 - quality(candidate)
        maps = rng.normal(0, noise, (len(chosen), 4, LENGTH)).astype(np.float32)
        for index, row in enumerate(chosen):
            sequence, value, _ = drawn[row]
            maps[index, sequence, np.arange(LENGTH)] += value.astype(np.float32)
        np.save(root / "rank" / "maps" / f"{candidate['id']}.npy", maps)


def write_more_of_the_ranking(root: Path, rows: pd.DataFrame) -> None:
    """Write what compares candidates: paired differences, metrics by track, and regions of disagreement."""
    panel = read_tsv(root / "rank" / "panel.tsv")
    ranking = read_tsv(root / "rank" / "ranking.tsv")
    best = ranking["id"].iloc[0]
    value = panel.set_index("id")["c_cos"]
    less = (value - value[best]).drop(best).dropna()
    differences = pd.DataFrame({"fold": "fold0", "id": less.index, "best": best, "criterion": "c_cos"})
    differences = differences.assign(difference=less.to_numpy(), lo=less.to_numpy() - 0.01, hi=less.to_numpy() + 0.01)
    write_tsv(root / "rank" / "differences.tsv", differences.assign(separate=differences["hi"] < 0))
    tracks = [
        {"id": row.id, "task": task, "metric": metric, "value": row.prediction - less, "lo": 0.1, "hi": 0.9}
        for row in panel.itertuples()
        for metric, less in (("pearson", 0.0), ("spearman", 0.02))
        for task in (TASK, "all")
    ]
    write_tsv(root / "rank" / "prediction.tsv", pd.DataFrame(tracks).dropna())
    compared = [name for name in ranking["id"] if np.isfinite(value[name])]
    ids = [compared[0], compared[len(compared) // 2], compared[-1]]
    regions = read_tsv(root / "rank" / "regions" / "fold0.tsv")
    places = np.array([3, 1, 4, 0])
    maps = np.stack([np.load(root / "rank" / "maps" / f"{name}.npy")[places] for name in ids])
    maps -= maps.mean(axis=2, keepdims=True)
    maps /= np.sqrt((maps**2).sum(axis=(2, 3), keepdims=True))
    codes = np.load(root / "data" / "sequences.npy")[regions["row"].to_numpy()[places], 16:-16]
    words = ["best", "median", "worst"]
    np.savez(root / "rank" / "disagreement.npz", ids=np.array(ids), words=np.array(words), maps=maps, codes=codes)
    table = pd.DataFrame({"region_id": regions["region_id"].to_numpy()[places], "fold": "fold0", "place": places + 1})
    for first, second in ((0, 1), (0, 2), (1, 2)):
        table[f"cos_{words[first]}_{words[second]}"] = (maps[first] * maps[second]).sum(axis=(1, 2))
    cosines = table.filter(like="cos_")
    write_tsv(root / "rank" / "disagreement.tsv", table.assign(distance=(1 - cosines).mean(axis=1)))


def write_truth(root: Path, rows: pd.DataFrame, drawn: list) -> None:
    """Write the truth of a simulation: the motifs at the peaks, and a decoy that is nowhere."""
    folder = root / "simulate" / "truth"
    motifs = [{"name": name, "role": "activator", "ppm": motif_ppm(word).tolist()} for word, name in MOTIFS.items()]
    motifs.append({"name": "motifD", "role": "decoy", "ppm": motif_ppm("AACCTTGG").tolist()})
    write_json(folder / "motifs.json", motifs)
    lines = ["#chrom\tstart\tend\tmotif\tscore\tstrand\tregion\tstrength\trole"]
    mask = {name: np.zeros(500000, dtype=np.float32) for name in ("chr1", "chr3", "chr4")}
    for row, (_, _, places) in zip(rows.itertuples(), drawn, strict=True):
        for place, word in places if row.role == "peak" else []:
            start = row.summit - LENGTH // 2 + place
            fields = [
                row.chrom,
                start,
                start + len(word),
                MOTIFS[word],
                900,
                "+",
                row.name,
                "1.0000",
                "activator",
            ]
            lines.append("\t".join(map(str, fields)))
            mask[row.chrom][start : start + len(word)] = 1.0
    (folder / "instances.bed").write_text("\n".join(lines) + "\n", encoding="utf-8")
    bigwig = pyBigWig.open(str(folder / "mask.bw"), "w")
    bigwig.addHeader([(name, 500000) for name in mask])
    for name, track in mask.items():
        starts = np.flatnonzero(track)
        bigwig.addEntries(name, starts.tolist(), values=track[starts].astype(float).tolist(), span=1)
    bigwig.close()


def motif_ppm(word: str) -> np.ndarray:
    """Base frequencies (4, w) of a motif with this consensus."""
    return 0.9 * np.eye(4)[:, ["ACGT".index(letter) for letter in word]] + 0.025


def write_maps(root: Path, rows: pd.DataFrame, drawn: list, candidates: list[dict], rng: np.random.Generator) -> None:
    at_peaks = [drawn[row] for row in np.flatnonzero(rows["role"] == "peak")]
    peaks = rows[rows["role"] == "peak"].reset_index(drop=True)
    one_hot = np.stack([np.eye(4)[codes].T for codes, *_ in at_peaks])
    prediction = rng.normal(3, 1, len(peaks)).astype(np.float32)
    for method, unit, amount in (("saliency", 0.1, 60), ("deepshap", 1.0, 60), ("ism", 1.3, 20)):
        values = np.stack([value for _, value, _ in at_peaks])[:amount] * unit
        values = values + rng.normal(0, 0.03 * unit, values.shape)
        path = root.joinpath(*PLACE, f"{method}.attributions.h5")
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as handle:
            seq = one_hot[:amount]
            handle["raw/seq"] = seq.astype(np.int8)
            handle["shap/seq"] = (seq * values[:, None, :] * 8).astype(np.float16)
            handle["projected_shap/seq"] = (seq * values[:, None, :] * 8).astype(np.float16)
            handle["spread"] = np.abs(rng.normal(0.06, 0.02, values.shape) * unit * 8).astype(np.float16)
            handle["sign_agreement"] = np.where(np.abs(values) > 0.1 * unit, 1.0, 0.6).astype(np.float16)
            names = list(peaks["region_id"][:amount])
            handle.create_dataset("region_id", data=names, dtype=h5py.string_dtype("utf-8"))
            handle["prediction"] = prediction[:amount]
            delta = rng.exponential(2e-4, amount) if method == "deepshap" else np.full(amount, np.nan)
            handle["convergence_delta"] = delta.astype(np.float32)
            handle.attrs["method"] = method
            handle.attrs["parameters"] = json.dumps({"max_delta": 1e-3})
            handle.attrs["candidates"] = json.dumps([candidate["id"] for candidate in candidates[:5]])
            handle.attrs["map_scale"] = 8.0
        bed = pd.DataFrame(
            {
                "chrom": peaks["chrom"],
                "start": peaks["summit"] - LENGTH // 2,
                "end": peaks["summit"] + LENGTH // 2,
                "name": peaks["region_id"],
            }
        )[:amount]
        bed.to_csv(path.with_name(f"{method}.regions.bed"), sep="\t", header=False, index=False)
    agreement = pd.DataFrame(
        {
            "method_a": ["saliency", "saliency", "deepshap"],
            "method_b": ["deepshap", "ism", "ism"],
            "n_regions": [60, 20, 20],
            "pearson": [0.81, 0.74, 0.9],
            "low": [0.79, 0.7, 0.87],
            "high": [0.83, 0.78, 0.92],
        }
    )
    write_tsv(root.joinpath(*PLACE, "agreement.tsv"), agreement)
    paths = {method: root.joinpath(*PLACE, f"{method}.attributions.h5") for method in ("saliency", "deepshap", "ism")}
    write_tsv(root.joinpath(*PLACE, "disagreement.tsv"), region_agreement(paths))


def write_patterns(path: Path, words: list[str], *, strength: float, n_seqlets: int, rng: np.random.Generator) -> None:
    """Write a TF-MoDISco file with one positive pattern per word."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as handle:
        facts = {"map_length": LENGTH, "window_size": 200, "map_scale": 8.0, "n_regions": 60, "notices": "[]"}
        for name, value in facts.items():
            handle.attrs[name] = value
        for number, word in enumerate(words):
            ppm = np.full((len(word) + 10, 4), 0.25)
            ppm[5:-5] = motif_ppm(word).T
            cwm = (ppm - 0.25) * strength * 8
            group = handle.create_group(f"pos_patterns/pattern_{number}")
            group["sequence"], group["contrib_scores"], group["hypothetical_contribs"] = ppm, cwm, cwm
            count = n_seqlets - 7 * number
            start = rng.integers(0, 160, count)
            seqlets = group.create_group("seqlets")
            seqlets["example_idx"] = rng.integers(0, 60, count)
            seqlets["start"], seqlets["end"] = start, start + len(ppm)
            seqlets["is_revcomp"] = rng.random(count) < 0.5
            seqlets["contrib_scores"] = np.repeat(cwm[None], count, axis=0)
            seqlets["n_seqlets"] = [count]


def write_motifs(root: Path, rows: pd.DataFrame, drawn: list, rng: np.random.Generator) -> None:
    folder = root / "motifs" / TASK / HEAD
    write_patterns(folder / "modisco.h5", list(MOTIFS), strength=0.6, n_seqlets=90, rng=rng)
    write_patterns(folder / "null0.modisco.h5", ["ATATAT"], strength=0.1, n_seqlets=24, rng=rng)
    for draw in range(2):
        write_patterns(folder / f"permuted{draw}.modisco.h5", [], strength=0.1, n_seqlets=24, rng=rng)
    names = [f"pos_patterns.pattern_{number}" for number in range(3)]
    patterns = pd.DataFrame(
        {
            "pattern": names,
            "sign": "pos",
            "n_seqlets": [90, 83, 76],
            "n_regions": [50, 48, 40],
            "width": [6, 6, 7],
            "consensus": list(MOTIFS),
            "ratio": [6.2, 3.1, 0.8],
            "p_value": [0.04, 0.04, 0.5],
            "q_value": [0.06, 0.06, 0.5],
            "label": ["supported", "supported", "as in the null"],
            "candidates": [4, 2, 0],
            "n_candidates": 5,
            "methods": [1, 0, 0],
            "n_methods": [2, 0, 0],
            "nulls": [0, 1, 0],
            "n_nulls": [2, 2, 0],
            "nulls_unsearched": [1, 0, 2],
            "composite_of": ["", f"{names[0]}+ + {names[0]}- spacing 3", ""],
            "half_of": [names[1], "", ""],
        }
    )
    write_tsv(folder / "patterns.tsv", patterns)
    matches = pd.DataFrame(
        {
            "pattern": names[:2],
            "rank": 1,
            "motif": ["motifA", "motifB"],
            "alternative": ["", "GC box"],
            "p_value": [1e-6, 1e-5],
            "q_value": [2e-5, 3e-4],
            "strand": "+",
            "overlap": 6,
        }
    )
    write_tsv(folder / "matches.tsv", matches)
    found = []
    for row, (_, _, places) in zip(rows.itertuples(), drawn, strict=True):
        for place, word in places if row.role == "peak" else []:
            # A fifth of the instances is missed; a tenth of the hits lies elsewhere.
            if rng.random() < 0.8:
                moved = 20 if rng.random() < 0.1 else 0
                start = row.summit - LENGTH // 2 + place + moved
                pattern = names[list(MOTIFS).index(word)]
                found.append((row.chrom, start, start + len(word), "+", pattern, row.region_id))
    hits = pd.DataFrame(found, columns=["chrom", "start", "end", "strand", "pattern", "region_id"])
    hits["score"] = rng.exponential(1, len(hits))
    hits["q_value"] = rng.uniform(0, 0.12, len(hits))
    hits["label"] = hits["pattern"].map(dict(zip(patterns["pattern"], patterns["label"], strict=True)))
    write_tsv(folder / "hits.tsv", hits)
    hits[hits["q_value"] <= 0.1].to_csv(folder / "hits.bed", sep="\t", header=False, index=False)
    thinned = {"share": [0.5, 1.0], "seqlets": [120, 240], "patterns": [2.5, 3.0], "supported": [2.0, 2.0]}
    seen = {"run_patterns": [4, 3], "found": [2, 3], "found_supported": [1, 2]}
    write_tsv(folder / "saturation.tsv", pd.DataFrame(thinned | seen))
    write_json(folder / "summary.json", {"notices": [], "only_in_candidates": {"c0": [], "c1": names[:2]}})


def write_benchmarks(root: Path, candidates: list[dict], rng: np.random.Generator) -> None:
    def bench(seconds: float, memory: float) -> pd.DataFrame:
        row = {"s": seconds, "h:m:s": "0:00:00", "max_rss": memory, "cpu_time": seconds * 0.9}
        return pd.DataFrame([row])

    write_tsv(root / "benchmarks" / "make_dataset.tsv", bench(12.5, 640.0))
    for candidate in candidates:
        frame = bench(float(rng.uniform(30, 60)), float(rng.uniform(800, 1200)))
        write_tsv(root / "benchmarks" / "train" / f"{candidate['id']}.tsv", frame)
