"""Join the tables of the data sets and summarise them over data seeds."""

import numpy as np
import pandas as pd
from scipy.stats import t as student

from lucidna.files import read_tsv, write_tsv

TABLES = ("compared", "fdr", "strata", "recall", "own_recall", "aupr", "pairs", "labels")
_KEYS = {
    "fdr": ["score", "nominal_fdr"],
    "strata": ["predictions", "nominal_fdr"],
    "recall": ["precision_of", "ranking"],
    "own_recall": ["precision_of", "ranking"],
    "aupr": ["ranking"],
}
_FEWEST = 3  # data sets of which an interval is given
_VALUES = {
    "fdr": ["observed_fdr", "own_observed_fdr", "on_decoys", "recall", "recall_learnt"],
    "strata": ["observed_fdr", "own_observed_fdr"],
    "recall": ["precision", "recall"],
    "own_recall": ["precision", "recall"],
    "aupr": ["base_aupr"],
}


def write_results(work, names, results):
    """Write the tables of all data sets that are done, and their summaries; print these when `results` is None."""
    done = [name for name in names if (work / name / "compared.tsv").is_file()]
    if not done:
        return
    joined = {label: pd.concat([read_tsv(work / name / f"{label}.tsv") for name in done]) for label in TABLES}
    summaries = {f"{label}_summary": summarise(joined[label], keys, _VALUES[label]) for label, keys in _KEYS.items()}
    for label, table in {**joined, **summaries}.items():
        if results is None:
            print(table.to_string(index=False), flush=True)
        else:
            write_tsv(results / f"{label}.tsv", table)


def summarise(table, keys, values):
    """Average shares over data seeds within each difficulty, and over all, with 95 % intervals of Student's t."""
    rows = []
    everything = table.assign(difficulty="all")
    for group, part in pd.concat([table, everything]).groupby(["difficulty", *keys], sort=False):
        row = dict(zip(["difficulty", *keys], group, strict=True)) | {"data_sets": len(part)}
        if "holds" in part:
            row["holds_in"] = int((part["holds"] == "yes").sum())
            row["own_holds_in"] = int((part["own_holds"] == "yes").sum())
        for name in values:
            known = part[name].to_numpy(dtype=float)
            known = known[np.isfinite(known)]
            half = np.nan
            if len(known) >= _FEWEST:
                half = student.ppf(0.975, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known))
            mean = known.mean() if len(known) else np.nan
            row |= {name: mean, f"{name}_lo": np.maximum(mean - half, 0.0), f"{name}_hi": np.minimum(mean + half, 1.0)}
        rows.append(row)
    return pd.DataFrame(rows).round(4)
