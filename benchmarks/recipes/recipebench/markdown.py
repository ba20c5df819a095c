"""The table of the README, from summary.tsv."""

from __future__ import annotations

import pandas as pd

BEGIN, END = "<!-- summary.tsv -->\n", "<!-- end of summary.tsv -->\n"

_COLUMNS = {
    "recipe": "recipe",
    "test_auroc": "test AUROC",
    "map_aupr": "map AUPR",
    "difference": "less the baseline's",
    "better": "better in",
    "map_auroc": "map AUROC",
    "cosine": "cosine",
    "snr": "SNR",
    "agreement": "agreement",
    "angle_share": "angle share",
    "cost": "cost",
}


def markdown_tables(summary: pd.DataFrame) -> str:
    """Return one table per difficulty, the recipes by falling map AUPR."""
    parts = []
    for difficulty, rows in summary.groupby("difficulty", sort=False):
        lines = [" | ".join(_COLUMNS.values()), "|".join("---" for _ in _COLUMNS)]
        for _, row in rows.sort_values("map_aupr", ascending=False, kind="stable").iterrows():
            lines.append(" | ".join(_cell(row, column) for column in _COLUMNS))
        parts.append(f"**{difficulty}**\n\n" + "".join(f"| {line} |\n" for line in lines))
    return "\n".join(parts)


def with_tables(text: str, summary: pd.DataFrame) -> str:
    """Return the README's text with the tables between its two marks."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n" + markdown_tables(summary) + "\n" + END + rest.split(END)[1]


def _cell(row: pd.Series, column: str) -> str:
    if column == "recipe":
        return str(row["recipe"])
    if column == "difference":
        values = [row[f"d_map_aupr{end}"] for end in ("", "_lo", "_hi")]
        return "" if pd.isna(values[0]) else "{:+.3f} [{:+.3f}, {:+.3f}]".format(*values)
    if column == "better":
        return "" if pd.isna(row["aupr_better"]) else f"{row['aupr_better']:.0f} of {row['cells']:.0f}"
    return f"{row[column]:.2f}" if column in ("snr", "cost") else f"{row[column]:.3f}"
