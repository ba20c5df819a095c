"""What distilled networks know of their own uncertainty, on the validation split."""

from __future__ import annotations

from lucidna.report.collect import appearance, family_of
from lucidna.report.figures import Chart, Curve, small_charts
from lucidna.report.numbers import as_float
from lucidna.report.tables import Column, Table, code_cell, count_cell, interval_cells, measure_cell

LEAD = (
    "Distilled networks predict, beside each number, how far the members that they learned from disagree. Spearman "
    "correlations over the validation regions, with 95 % intervals over resampled regions: above 0 where regions "
    "that are said to be uncertain do have larger errors. Compare with the members' own disagreement, the standard. "
    "Disagreement is not all of the error: what every member has wrong, and the noise of the measurement, is not in it."
)
LABELS = (
    "Variances of logits are carried over to the probability p. As p (1 − p) alone orders the errors too, a variance "
    "says more than the prediction does only where it surpasses that."
)

_CORRELATIONS = {
    "error": ("with own squared error", "predicted variance against the squared error of the prediction"),
    "confidence": ("p (1 − p) alone", "p (1 − p) of the prediction against its squared error"),
    "spread": ("with members' variance", "predicted variance against the variance of the members' predictions"),
    "members_error": ("members' own", "the members' variance against the squared error of their mean"),
}


def section(candidates: list[dict], metrics: dict[str, dict | None]) -> dict | None:
    """Collect the table and the figure; None where no candidate predicts a variance.

    Parameters
    ----------
    candidates : list of dict
        Of the grid.
    metrics : dict
        Candidate id -> metrics.json; the key `uncertainty` is that of `lucidna.training.uncertainty`.

    Returns
    -------
    dict or None
        `lead`, `table` and `figure` (SVG).
    """
    found = {key: record["uncertainty"] for key, record in metrics.items() if record and record.get("uncertainty")}
    shown = [candidate for candidate in candidates if candidate["id"] in found]
    if not shown:
        return None
    labels = any(record["confidence"] for record in found.values())
    lead = f"{LEAD} {LABELS}" if labels else LEAD
    return {"lead": lead, "table": _table(shown, found), "figure": _figure(shown, found)}


def _table(candidates: list[dict], found: dict[str, dict]) -> Table:
    records = [found[candidate["id"]] for candidate in candidates]
    names = [name for name in _CORRELATIONS if any(record[name] for record in records)]
    columns = [Column("candidate"), Column("members", True, "networks that it learned from")]
    columns += [Column(_CORRELATIONS[name][0], True, _CORRELATIONS[name][1]) for name in names]
    columns += [
        Column("MSE, most certain fifth", True, "mean squared error where the predicted variance is smallest"),
        Column("MSE, least certain fifth", True, "mean squared error where the predicted variance is largest"),
    ]
    intervals = [interval_cells([_flat(record, name) for record in records], name) for name in names]
    rows = [
        [
            code_cell(candidate["id"]),
            count_cell(record["members"]),
            *cells,
            measure_cell(record["fifths"][0]),
            measure_cell(record["fifths"][-1]),
        ]
        for candidate, record, *cells in zip(candidates, records, *intervals, strict=True)
    ]
    keys = [candidate["id"] for candidate in candidates]
    return Table("Predicted variance of distilled candidates", columns, rows, keys=keys, filterable=True)


def _flat(record: dict, name: str) -> dict:
    """Return one correlation as a table has it: value and ends of the interval under their own names."""
    value = record[name] or {"value": None, "lo": None, "hi": None}
    return {name: value["value"], f"{name}_lo": value["lo"], f"{name}_hi": value["hi"]}


def _figure(candidates: list[dict], found: dict[str, dict]) -> str:
    """Draw the squared error by fifth of the predicted variance, one chart for each family."""
    looks = appearance(candidates)
    families: dict[str, list[Curve]] = {}
    for candidate in candidates:
        errors = [as_float(value) for value in found[candidate["id"]]["fifths"]]
        curve = Curve(
            candidate["id"], list(range(1, len(errors) + 1)), errors, looks[candidate["id"]][0], key=candidate["id"]
        )
        families.setdefault(family_of(candidate), []).append(curve)
    charts = [Chart(family, curves) for family, curves in families.items()]
    return small_charts(charts, x_label="fifth of the regions, by predicted variance", y_label="squared error")
