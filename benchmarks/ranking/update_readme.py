"""Write the tables of README.md from benchmarks/results/ranking: the fresh populations, then those that confirm."""

import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "common"), str(HERE.parents[1] / "workflow" / "scripts")]

from rankbench.markdown import with_tables  # noqa: E402

RESULTS = HERE.parent / "results" / "ranking"
NAMES = ("summary", "correlation", "selection", "shared", "fooled", "panel", "cost")


def read(name: str) -> pd.DataFrame:
    """Read a table of all stages, the fresh populations first."""
    paths = [RESULTS / stage / f"{name}.tsv" for stage in ("fresh", "confirm")]
    return pd.concat([pd.read_csv(path, sep="\t", comment="#") for path in paths if path.is_file()], ignore_index=True)


readme = HERE / "README.md"
readme.write_text(with_tables(readme.read_text(), {name: read(name) for name in NAMES}))
