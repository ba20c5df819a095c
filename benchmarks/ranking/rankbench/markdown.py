"""The tables of the README, from the committed tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pandas as pd

from rankbench.probed import PROBES
from rankbench.scores import CRITERIA
from rankbench.summary import TARGETS, TOGETHER

NAMES = {"rule_a": "**rule A\\***", "rule_b": "**rule B**", **CRITERIA, **PROBES}
NAMES |= {"z_sum": "z(Method 1) + z(Method 2) + z(AUROC)"}
CHOSEN_BY = ("rule_a", "rule_b", "c_cos", "sl_con", "prediction")
LARGE_ONLY = ("in the lowest", "stand alone")
"""Words of the veto's grounds that need a population of 20."""

Tables = Mapping[str, pd.DataFrame]


def targets(tables: Tables) -> str:
    """Tabulate every number that has a target by population; what misses it is marked."""
    summary = tables["summary"]
    places = list(dict.fromkeys(summary["population"]))
    places = [name for name in places if name != TOGETHER]
    rows = []
    for what, target in TARGETS.items():
        cells = []
        for place in places:
            found = summary[(summary["population"] == place) & (summary["what"] == what)]
            cells.append("" if found.empty else _target_cell(found.iloc[0]))
        rows.append([what, *cells, f"{target:g}"])
    pooled = tables["correlation"].query("score == 'rule_a' and truth == 'composite' and scope == 'pooled'")
    pooled = pooled.set_index("population")
    cells = [f"{pooled.loc[place, 'rho']:.3f}" for place in places]
    rows.append(["rule A*, composite, pooled over families", *cells, ""])
    vetoed = tables["panel"].query("role == 'candidate'").groupby("population")["status"]
    counts = vetoed.agg(lambda status: f"{(status == 'vetoed').sum()} of {len(status)}")
    rows.append(["real networks vetoed", *[counts[place] for place in places], ""])
    return _table(["", *places, "target"], rows)


def scores(tables: Tables) -> str:
    """Tabulate the correlation of every score with the composite, within families, and what it costs."""
    within = tables["correlation"].query("truth == 'composite' and scope == 'within'")
    places = list(dict.fromkeys(within["population"]))
    wide = within.pivot(index="score", columns="population", values="rho")
    cost = tables["cost"].groupby("score")["seconds"].median()
    cost = {**cost, **dict.fromkeys(("c_cos", "c_snr", "c_auc"), cost["c_cos, c_snr, c_auc"])}
    rows = []
    for name, words in NAMES.items():
        if name in wide.index:
            cells = ["" if pd.isna(value) else f"{value:.2f}" for value in wide.loc[name, places]]
            rows.append([words, *cells, f"{cost[name]:.1g}" if name in cost else ""])
    return _table(["score", *places, "CPU s"], rows)


def choosing(tables: Tables) -> str:
    """Tabulate what the first network of a score lacks of the best one's true cosine, with its interval."""
    selection = tables["selection"]
    places = list(dict.fromkeys(selection["population"]))
    rows = []
    for name in CHOSEN_BY:
        part = selection[selection["score"] == name].set_index("population")
        cells = [
            "{:.3f} [{:.3f}, {:.3f}]".format(*part.loc[p, ["regret_cosine", "regret_lo", "regret_hi"]]) for p in places
        ]
        rows.append([NAMES[name], *cells])
    best = selection.groupby("population")["best_cosine"].first()
    rows.append(["true cosine of the best network", *[f"{best[place]:.3f}" for place in places]])
    return _table(["chosen by", *places], rows)


def shared(tables: Tables) -> str:
    """Tabulate for how many fakes fewer than a fifth of their copies come above the median honest network."""
    table = tables["shared"]
    places = list(dict.fromkeys(table["population"]))
    held = table.assign(a=table["above_a"] < 0.2, uniform=table["above_uniform"] < 0.2)
    counts = held.groupby(["share", "population"])[["a", "uniform"]].sum()
    kinds = table["fake"].nunique()
    rows = [
        [f"{share:.0%}", *["{:.0f}, {:.0f}".format(*counts.loc[(share, place)]) for place in places]]
        for share in sorted(table["share"].unique())
    ]
    return _table([f"share of copies (of {kinds} fakes: A*, equal weights)", *places], rows)


def caught(tables: Tables) -> str:
    """Tabulate how many fakes and controls are vetoed, and by what."""
    table = tables["fooled"]
    places = list(dict.fromkeys(table["population"]))
    reasons = table["reason"].fillna("").astype(str)
    grounds = [[part for part in reason.split("; ") if part] for reason in reasons]
    large = [bool(parts) and all(any(word in part for word in LARGE_ONLY) for part in parts) for parts in grounds]
    table = table.assign(large=large)
    parts = {place: table[table["population"] == place] for place in places}
    rows = [
        ["vetoed under A*", *[f"{part['veto_a'].sum()} of {len(part)}" for part in parts.values()]],
        [
            "of these, only by what needs 20 candidates",
            *[_named(part[part["large"] & part["veto_a"]]["fake"]) for part in parts.values()],
        ],
        ["not vetoed", *[_named(part[~part["veto_a"]]["fake"]) for part in parts.values()]],
    ]
    return _table(["fakes and controls", *places], rows)


BLOCKS: dict[str, Callable[[Tables], str]] = {
    "targets": targets,
    "scores": scores,
    "choosing": choosing,
    "shared": shared,
    "caught": caught,
}
"""Name of a block of the README -> what writes it."""


def with_tables(text: str, tables: Tables) -> str:
    """Return the README's text with every block between its two marks written anew."""
    for name, write in BLOCKS.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
        text, found = re.subn(pattern, lambda match, w=write: f"{match[1]}\n{w(tables)}\n{match[2]}", text, flags=re.S)
        if found != 1:
            raise ValueError(f"the README has {found} blocks '{name}', not one")
    return text


def _target_cell(row: pd.Series) -> str:
    value = f"{row['value']:g}" if row["what"].startswith("fakes") else f"{row['value']:.3f}"
    interval = "" if pd.isna(row["lo"]) else f" [{row['lo']:.2f}, {row['hi']:.2f}]"
    return f"{value}{interval}" if row["met"] in (True, "True") else f"*{value}{interval} missed*"


def _named(fakes: pd.Series) -> str:
    return ", ".join(fakes) or "none"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
