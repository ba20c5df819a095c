"""One data set: its hits, Fi-NeMo's own ranking and scans with known matrices, against the truth."""

import numpy as np
import pandas as pd
from memelite.fimo import fimo

from hitbench.finemo import finemo_hits
from hitbench.said import label_rows, pair_rows
from hitbench.scores import Truth, at_rank, base_aupr, base_scores, fdr_interval, ranked, recall_at_precision
from hitbench.strand import same_strand
from lucidna.attribution.hdf5 import AttributionFile
from lucidna.attribution.nulls import codes_of
from lucidna.files import read_json, read_tsv
from lucidna.motifs.decoys import hit_q_values
from lucidna.motifs.halves import is_half, read_with_halves
from lucidna.motifs.hit_columns import of_credible, once, own_names, read_hits
from lucidna.motifs.maps import open_maps, read_predictions, read_regions
from lucidna.motifs.null import CREDIBLE
from lucidna.sequence import one_hot_numpy
from lucidna.truth import compare_patterns, read_instances

TASK, HEAD = "accessibility", "counts"
SCORES = {"correlation": "correlation", "coefficient": "score", "coefficient of scaled maps": "relative_score"}
ONCE = "correlation, each instance once"
DEFAULT = "Fi-NeMo at its default"
_SCAN_P = 1e-3
_BIT_DIGITS = 3  # in which sums of the same columns in another order agree


def compare(folder, settings):
    """Return the tables of one experiment: fdr, strata, recall, own_recall, aupr, pairs, labels, compared."""
    motifs = folder / "motifs" / TASK / HEAD
    maps, windows, truth = open_truth(folder)
    hits, decoys = read_hits(motifs / "hits.tsv"), own_names(read_tsv(motifs / "decoys.tsv"))
    with AttributionFile(maps.path) as file:
        block = file.read()
    known = read_json(folder / "simulate" / "truth" / "motifs.json")
    patterns, stands_for = found_patterns(folder, settings)
    labelled = read_tsv(motifs / "patterns.tsv")
    scans = scan(block.onehot, windows, known)
    believed = of_credible(hits).reset_index(drop=True)
    by_q = rank_key(believed)
    rankings = {"q-value": (hits, rank_key(hits)), "Fi-NeMo's coefficient": (hits, hits["score"])}
    theirs = finemo_hits(maps, motifs / "modisco.h5", patterns)
    rankings |= {name: (found, found["score"]) for name, found in {DEFAULT: theirs, **scans}.items()}
    of_supported = theirs[theirs["pattern"].isin(believed["pattern"].unique())].reset_index(drop=True)
    by_pattern = {
        "q-value": (believed, by_q),
        "Fi-NeMo's coefficient": (believed, believed["score"]),
        DEFAULT: (of_supported, of_supported["score"]),
        **{name: rankings[name] for name in scans},
    }
    return {
        "fdr": fdr_table(hits, decoys, truth, maps, settings, stands_for=stands_for),
        "strata": strata_table(believed, truth, read_predictions(maps), settings, stands_for=stands_for),
        "recall": recall_table(rankings, believed, truth, settings),
        "own_recall": recall_table(by_pattern, believed, truth, settings, stands_for=stands_for),
        "aupr": aupr_table(believed, by_q, scans, block, truth),
        "pairs": pair_rows(motifs, folder),
        "labels": label_rows(labelled[~labelled["pattern"].map(is_half)], stands_for, known),
        "compared": pd.DataFrame(
            [
                count(hits, truth, folder)
                | against_default(hits, theirs)
                | on_strand(believed, truth, stands_for, known, settings)
            ]
        ),
    }


def open_truth(folder):
    """Return the maps of one experiment, their windows, and the planted truth in these."""
    attribute = folder / "attribute" / TASK / HEAD
    maps = open_maps(attribute / "deepshap.attributions.h5")
    windows = read_regions(attribute / "deepshap.regions.bed", maps)
    return maps, windows, Truth.of(read_instances(folder / "simulate" / "truth" / "instances.bed"), windows)


def found_patterns(folder, settings):
    """Return the patterns of one experiment, and the planted motifs that each is (name -> motifs)."""
    patterns = read_with_halves(folder / "motifs" / TASK / HEAD / "modisco.h5", trim=settings["trim"])
    known = read_json(folder / "simulate" / "truth" / "motifs.json")
    return patterns, compare_patterns({pattern.name: pattern.ppm for pattern in patterns}, known)["pattern_motif"]


def rank_key(hits):
    """Rank all hits as hits.tsv presents them: those of supported patterns first, by q-value, then by correlation."""
    return -hits["q_value"] + 1e-6 * hits["correlation"] - 2.0 * ~hits["label"].isin(CREDIBLE)


def count(hits, truth, folder):
    """Return what was compared."""
    functional = truth.functional
    return {
        "windows": len(truth.windows),
        "functional": int(functional.sum()),
        "decoys": int((~functional).sum()),
        "hits": len(hits),
        "instances": len(once(hits)),
        "patterns": hits["pattern"].nunique(),
        "supported": of_credible(hits)["pattern"].nunique(),
        "ceiling": read_json(folder / "simulate" / "truth" / "summary.json")["ceiling_pearson"],
        "valid_pearson": np.mean(
            [read_json(path)["valid"]["pearson"] for path in sorted(folder.glob("train/*/metrics.json"))]
        ),
    }


def against_default(hits, theirs):
    """Return the number of Fi-NeMo's own hits, the share of them among the workflow's, and that the other way round."""
    place = ["chrom", "start", "end", "strand", "pattern"]
    ours, theirs = (set(table[place].itertuples(index=False, name=None)) for table in (hits, theirs))
    shared = len(ours & theirs)
    return {"finemo_hits": len(theirs), "of_finemo": shared / len(theirs), "in_finemo": shared / len(ours)}


def on_strand(hits, truth, stands_for, known, settings):
    """Return the share of the hits up to the middle nominal rate that are on their instance's strand."""
    kept = hits[hits["q_value"] <= settings["nominal"][1]]
    share, n = same_strand(kept, truth.instances, stands_for, known)
    return {"same_strand": share, "stranded_hits": n}


def scan(onehot, windows, motifs):
    """Scan the windows with the true matrices, functional ones and all; return the matches of each.

    Their score follows the p-value and, where that is the same or too small for a number, the log-odds score in bits.
    """
    ppms = {motif["name"]: np.array(motif["ppm"]) for motif in motifs}
    roles = {motif["name"]: motif["role"] for motif in motifs}
    tables = fimo(ppms, one_hot_numpy(codes_of(onehot)), threshold=_SCAN_P)
    parts = []
    for name, table in zip(ppms, tables, strict=True):
        row = table["sequence_name"].to_numpy(dtype=np.int64)
        left = windows["start"].to_numpy()[row]
        parts.append(
            pd.DataFrame(
                {
                    "chrom": windows["chrom"].to_numpy()[row],
                    "start": table["start"].to_numpy(dtype=np.int64) + left,
                    "end": table["end"].to_numpy(dtype=np.int64) + left,
                    "pattern": name,
                    "p_value": table["p-value"].to_numpy(dtype=float),
                    "minus_bits": -table["score"].to_numpy(dtype=float).round(_BIT_DIGITS),
                    "role": roles[name],
                    "region_id": windows["region_id"].to_numpy()[row],
                }
            )
        )
    found = pd.concat(parts, ignore_index=True)
    place = found.groupby(["p_value", "minus_bits"]).ngroup()
    found["score"] = place.max() + 1 - place
    found = found.sort_values("score", ascending=False, kind="stable")
    found = found.drop_duplicates(["chrom", "start", "end", "pattern"]).reset_index(drop=True)
    # Of overlapping matches of one motif only the best stays, as in the truth.
    found = found[best_of_overlapping(found)].reset_index(drop=True)
    return {
        "true matrices, decoys too": found,
        "true matrices, functional only": found[found["role"] != "decoy"].reset_index(drop=True),
    }


def best_of_overlapping(found):
    """Say which matches, best first, overlap no better one of their motif."""
    kept = np.ones(len(found), dtype=bool)
    for _, group in found.groupby(["chrom", "pattern"]):
        taken = np.zeros(int(group["end"].max()) + 1, dtype=bool)
        for index, start, end in group[["start", "end"]].itertuples():
            kept[index] = not taken[start:end].any()
            if kept[index]:
                taken[start:end] = True
    return kept


def fdr_table(hits, decoys, truth, maps, settings, *, stands_for):
    """Compare nominal and observed false discovery rates, for each score that hits may compete by.

    As in the workflow every pattern's hits get q-values, and those of supported patterns count.
    """
    rows = []
    supported = of_credible(hits)["pattern"].unique()
    learnt = {motif for pattern in supported for motif in stands_for.get(pattern, ())}
    draws = int(decoys["draw"].max()) + 1 if len(decoys) else 1
    for label, column in SCORES.items():
        q_value = hit_q_values(
            hits[column].to_numpy(),
            hits["pattern"].to_numpy(),
            decoys[column].to_numpy(),
            decoys["pattern"].to_numpy(),
            n_target_regions=maps.n_regions,
            n_decoy_regions=draws * maps.n_regions,
        )
        for nominal in settings["nominal"]:
            kept = hits[(q_value <= nominal) & hits["label"].isin(CREDIBLE)]
            rows.append({"score": label, **told(kept, nominal, truth, settings, stands_for, learnt)})
    numbered = once(of_credible(hits))
    for nominal in settings["nominal"]:
        kept = numbered[numbered["q_value"] <= nominal]
        rows.append({"score": ONCE, **told(kept, nominal, truth, settings, stands_for, learnt)})
    return pd.DataFrame(rows).round(4)


def told(kept, nominal, truth, settings, stands_for, learnt):
    """Return rates and recall of the hits up to a nominal rate, and recall of the motifs in `learnt` alone."""
    found = ranked(kept, kept["correlation"], truth, stands_for=stands_for)
    of_learnt = truth.instances["motif"].isin(learnt).to_numpy()[truth.functional]
    return {
        **observed(found, nominal, settings),
        "on_decoys": found.decoy.mean() if len(kept) else float("nan"),
        "recall": at_rank(found, len(kept))[1],
        "recall_learnt": float((found.found < len(kept))[of_learnt].mean()) if of_learnt.any() else float("nan"),
    }


def observed(found, nominal, settings):
    """Return the rate of hits on no functional instance, and on none of their own motif (own_), with intervals."""
    row = {"nominal_fdr": nominal, "hits": len(found.true)}
    for prefix, true in (("", found.true), ("own_", found.own)):
        low, high = fdr_interval(true, found.hits["region_id"], draws=settings["bootstraps"], seed=0)
        row |= {
            f"{prefix}observed_fdr": 1 - true.mean() if len(true) else float("nan"),
            f"{prefix}low": low,
            f"{prefix}high": high,
            f"{prefix}holds": "yes" if not low > nominal else "no",
        }
    return row


def strata_table(hits, truth, predictions, settings, *, stands_for):
    """Compare nominal and observed rates in the half of the regions with lower, and with higher, predictions."""
    upper = predictions[hits["row"].to_numpy(dtype=np.int64)] > np.median(predictions)
    rows = []
    for half, inside in (("lower", ~upper), ("upper", upper)):
        for nominal in settings["nominal"]:
            kept = hits[inside & (hits["q_value"] <= nominal).to_numpy()]
            found = ranked(kept, kept["correlation"], truth, stands_for=stands_for)
            rows.append({"predictions": half, **observed(found, nominal, settings)})
    return pd.DataFrame(rows).round(4)


def recall_table(rankings, believed, truth, settings, *, stands_for=None):
    """Compare recalls at equal observed precision: that of Fi-NeMo at its default, and of each nominal rate.

    With `stands_for` (pattern -> its motifs) a hit is true, and finds an instance, on its own motif alone.
    """

    def judged(found, key):
        if stands_for is None:
            return ranked(found, key, truth)
        # What a scan finds is named by its motif.
        return ranked(found, key, truth, stands_for={name: [name] for name in found["pattern"]} | stands_for).of_own()

    rankings = {name: judged(found, key) for name, (found, key) in rankings.items()}
    q_value = believed["q_value"].to_numpy()
    levels = {DEFAULT: at_rank(rankings[DEFAULT], len(rankings[DEFAULT].hits))[0]}
    for nominal in settings["nominal"]:
        kept = believed[q_value <= nominal]
        levels[f"q <= {nominal}"] = at_rank(judged(kept, kept["correlation"]), len(kept))[0]
    return pd.DataFrame(
        [
            {
                "precision_of": of,
                "precision": precision,
                "ranking": name,
                "recall": recall_at_precision(ranking, precision),
            }
            for of, precision in levels.items()
            for name, ranking in rankings.items()
        ]
    ).round(4)


def aupr_table(hits, by_q, scans, block, truth):
    """Compare how well bases of functional instances are told from the rest."""
    length = block.onehot.shape[2]
    keys = {
        "q-value": (hits, by_q - by_q.min() + 1e-3 if len(hits) else by_q),
        "correlation": (hits, hits["correlation"]),
        "Fi-NeMo's coefficient": (hits, hits["score"]),
        "|contribution| of the hit": (hits, hits["contribution"].abs()),
    }
    keys |= {name: (found, found["score"]) for name, found in scans.items()}
    scores = {name: base_scores(table, key, truth.windows, length=length) for name, (table, key) in keys.items()}
    scores["|map|, no hits"] = np.abs(block.projected)
    return pd.DataFrame(
        [{"ranking": name, "base_aupr": base_aupr(each, truth)} for name, each in scores.items()]
    ).round(4)
