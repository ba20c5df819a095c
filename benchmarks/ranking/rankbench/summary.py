"""The numbers that have a target, and whether each population meets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from rankbench.correlation import correlation_table

TOGETHER = "all without a bias"
"""Name of the rows on the families of all populations whose assay has no preference."""

TARGETS = {
    "rule A*, composite": 0.95,
    "rule A*, composite, lower end": 0.90,
    "rule B, composite": 0.90,
    "rule A* with 5 references": 0.92,
    "fakes and controls at or above the 5th percentile, not vetoed": 0,
    "average of the top 10 less the best single network, cosine": 0.0,
}
"""What -> target; numbers of fakes may not exceed it, all others may not fall below it."""


def summary_table(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Compare every population with the targets.

    Parameters
    ----------
    tables
        correlation, sizes, fooled and selection of all populations of a stage.

    Returns
    -------
    DataFrame
        population, what, value, lo, hi (empty where there is no interval), target, met.
    """
    rows = []
    for population in dict.fromkeys(tables["correlation"]["population"]):
        part = {name: table[table["population"] == population] for name, table in tables.items()}
        for what, (value, lo, hi) in _numbers(part).items():
            target = TARGETS[what]
            met = value <= target if what.startswith("fakes") else value >= target
            rows.append(
                {
                    "population": population,
                    "what": what,
                    "value": value,
                    "lo": lo,
                    "hi": hi,
                    "target": target,
                    "met": met,
                }
            )
    return pd.DataFrame(rows)


def together_table(panel: pd.DataFrame, populations: Sequence[str], *, bootstraps: int) -> pd.DataFrame:
    """Compare the two rules with their targets over the families of several populations at once.

    One population's families leave wide intervals; a rule is the same in all of them.

    Parameters
    ----------
    panel
        One row per network of all populations: population, family, role, and what `correlation_table` reads.
    populations
        Those that count.
    bootstraps
        Resamples of the networks within their families.

    Returns
    -------
    DataFrame
        As `summary_table`; none for fewer than two populations.
    """
    rows = panel[(panel["role"] == "candidate") & panel["population"].isin(populations)]
    if rows["population"].nunique() < 2:
        return pd.DataFrame()
    rows = rows.assign(family=rows["population"] + " " + rows["family"]).reset_index(drop=True)
    found = correlation_table(rows, bootstraps=bootstraps)
    found = found.query("truth == 'composite' and scope == 'within'").set_index("score")
    (a, a_lo, a_hi), (b, b_lo, b_hi) = (found.loc[name, ["rho", "lo", "hi"]] for name in ("rule_a", "rule_b"))
    numbers = [
        ("rule A*, composite", a, a_lo, a_hi),
        ("rule A*, composite, lower end", a_lo, None, None),
        ("rule B, composite", b, b_lo, b_hi),
    ]
    table = pd.DataFrame(numbers, columns=["what", "value", "lo", "hi"])
    table.insert(0, "population", TOGETHER)
    table["target"] = table["what"].map(TARGETS)
    return table.assign(met=table["value"] >= table["target"])


def _numbers(part: Mapping[str, pd.DataFrame]) -> dict[str, tuple]:
    """Value and interval of every number of one population."""
    within = part["correlation"].query("truth == 'composite' and scope == 'within'").set_index("score")
    rule_a, rule_b = (tuple(within.loc[name, ["rho", "lo", "hi"]]) for name in ("rule_a", "rule_b"))
    references = part["sizes"].query("what == 'references' and size == 5")
    passed = part["fooled"][(part["fooled"]["rule_a"] >= 5) & ~part["fooled"]["veto_a"]]
    gain = part["selection"].set_index("score").loc["rule_a", ["gain", "gain_lo", "gain_hi"]]
    found = {
        "rule A*, composite": rule_a,
        "rule A*, composite, lower end": (rule_a[1], None, None),
        "rule B, composite": rule_b,
        "fakes and controls at or above the 5th percentile, not vetoed": (len(passed), None, None),
        "average of the top 10 less the best single network, cosine": tuple(gain),
    }
    if len(references):
        found["rule A* with 5 references"] = tuple(references[["rho", "lo", "hi"]].iloc[0])
    return found
