"""Tables of the page: what a cell shows, what it sorts by, and what a reader may filter on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from markupsafe import Markup

from lucidna.report.numbers import as_float, count, decimals_for, interval, measure, number, percent

#: Names that a table may use for the two ends of an interval of a column.
INTERVAL_SUFFIXES = (("_lo", "_hi"), ("_low", "_high"), ("_lower", "_upper"))


@dataclass(frozen=True)
class Cell:
    """One cell: the text shown (escaped by the template unless Markup), its sort key and its classes."""

    text: str | Markup
    sort: float | str | None = None
    css: str = ""
    tip: str = ""
    link: str = ""


@dataclass(frozen=True)
class Column:
    """A column's heading, whether it holds numbers, an explanation shown on pointing, and the group it belongs to.

    Of the columns with a group, those of one group are shown at a time; those without are always there.
    """

    label: str
    numeric: bool = False
    help: str = ""
    group: str = ""


@dataclass(frozen=True)
class Table:
    """A table that the template can draw.

    Attributes
    ----------
    rows : list of list of Cell
    keys : list of str
        One per row; links rows to the marks of figures.
    filterable : bool
        Whether the page offers a box to filter rows by their text.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    keys: Sequence[str] = field(default_factory=tuple)
    css: Sequence[str] = field(default_factory=tuple)
    filterable: bool = False

    @property
    def groups(self) -> list[str]:
        """List the groups of columns in their order."""
        return list(dict.fromkeys(column.group for column in self.columns if column.group))

    def place(self, index: int) -> str:
        """Return the class that says which group column `index` is of; empty for one that is always shown."""
        group = self.columns[index].group
        return f"g{self.groups.index(group)}" if group else ""


def text_cell(value: Any, *, css: str = "", tip: str = "") -> Cell:
    """Return a cell of plain text; missing values are a dash."""
    missing = value is None or (isinstance(value, float) and math.isnan(value)) or value == ""
    shown = "–" if missing else str(value)
    return Cell(shown, sort="" if missing else shown.lower(), css=css, tip=tip)


def code_cell(value: Any) -> Cell:
    """Return a cell of text in a fixed-width face (ids, sequences, digests)."""
    return text_cell(value, css="code")


def number_cell(value: Any, digits: int = 3) -> Cell:
    """Return a cell of one number, right-aligned."""
    return Cell(number(value, digits), sort=_sort_key(value), css="num")


def count_cell(value: Any) -> Cell:
    """Return a cell of one count, right-aligned."""
    return Cell(count(value), sort=_sort_key(value), css="num")


def measure_cell(value: Any) -> Cell:
    """Return a cell of one metric with three decimals, right-aligned."""
    return Cell(measure(value), sort=_sort_key(value), css="num")


def share_cell(value: Any, *, decimals: int = 0) -> Cell:
    """Return a cell of a share as a percentage, right-aligned."""
    return Cell(percent(value, decimals), sort=_sort_key(value), css="num")


def interval_cells(records: Sequence[dict], name: str, *, decimals: int | None = None) -> list[Cell]:
    """Return the cells of one column of values with their intervals, all with the same number of decimals."""
    values = [(record.get(name), *ends(record, name)) for record in records]
    known = sorted(found for value in values if (found := decimals_for(*value)) is not None)
    # The median keeps one very narrow interval from lengthening the whole column.
    if decimals is None and known:
        decimals = known[len(known) // 2]
    return [Cell(interval(*value, decimals=decimals), sort=_sort_key(value[0]), css="num") for value in values]


def svg_cell(drawing: str, *, sort: str = "") -> Cell:
    """Return a cell that holds a drawing made by this package."""
    return Cell(Markup(drawing), sort=sort, css="drawing")


def _sort_key(value: Any) -> float | None:
    as_number = as_float(value)
    return None if math.isnan(as_number) else as_number


def ends(row: Any, name: str) -> tuple[float, float]:
    """Return the two ends of the interval of `name` in a row of a table; NaN where there is none."""
    for low, high in INTERVAL_SUFFIXES:
        if name + low in row and name + high in row:
            return as_float(row[name + low]), as_float(row[name + high])
    return math.nan, math.nan


def is_end(name: str, names: Iterable[str]) -> bool:
    """Tell whether column `name` holds an end of the interval of another of the columns `names`."""
    names = set(names)
    return any(name.endswith(suffix) and name[: -len(suffix)] in names for pair in INTERVAL_SUFFIXES for suffix in pair)


def first_of(frame: pd.DataFrame | dict, *names: str) -> str | None:
    """Return the first of `names` that is a column of `frame` (or a key of a mapping), or None."""
    return next((name for name in names if name in frame), None)


def from_frame(
    frame: pd.DataFrame,
    *,
    caption: str,
    labels: dict[str, str] | None = None,
    helps: dict[str, str] | None = None,
    key: str | None = None,
    code: Sequence[str] = (),
    filterable: bool = False,
) -> Table:
    """Make a table of a whole frame; interval columns join the column they belong to.

    Parameters
    ----------
    frame : DataFrame
    labels, helps : dict
        Column name -> heading, column name -> explanation. A column without a label keeps its name.
    key : str, optional
        Column whose values key the rows.
    code : sequence of str
        Columns shown in a fixed-width face.
    """
    labels, helps = labels or {}, helps or {}
    names = [name for name in frame.columns if not is_end(name, frame.columns)]
    numeric = {name: pd.api.types.is_numeric_dtype(frame[name]) and frame[name].dtype != bool for name in names}
    columns = [Column(labels.get(name, name.replace("_", " ")), numeric[name], helps.get(name, "")) for name in names]
    records = frame.to_dict("records")
    cells = []
    for name in names:
        if numeric[name] and pd.api.types.is_integer_dtype(frame[name]):
            cells.append([count_cell(record[name]) for record in records])
        elif numeric[name]:
            cells.append(interval_cells(records, name))
        else:
            make = code_cell if name in code else text_cell
            cells.append([make(record[name]) for record in records])
    rows = [list(row) for row in zip(*cells, strict=True)]
    keys = [str(value) for value in frame[key]] if key else []
    return Table(caption, columns, rows, keys=keys, filterable=filterable)
