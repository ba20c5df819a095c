"""Write the tables of README.md from benchmarks/results/recipes/summary.tsv."""

import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from recipebench.markdown import with_tables  # noqa: E402

summary = pd.read_csv(HERE.parent / "results" / "recipes" / "summary.tsv", sep="\t", comment="#")
readme = HERE / "README.md"
readme.write_text(with_tables(readme.read_text(), summary))
