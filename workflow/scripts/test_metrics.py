"""Evaluate every candidate on the test split; the verdict is already written."""

from pathlib import Path

import pandas as pd

from lucidna.dataset import Dataset
from lucidna.external.store import load_candidate
from lucidna.files import write_tsv
from lucidna.processor import use_processor
from lucidna.runtime import script
from lucidna.training.evaluate import evaluate

with script(snakemake) as log:
    use_processor(snakemake.threads)
    folder = Path(snakemake.input.verdict).parents[1]
    rows = []
    for candidate in snakemake.params.candidates:
        dataset = Dataset.open(folder / "data", fold=candidate["fold"])
        metrics = evaluate(load_candidate(folder / "train" / candidate["id"]), dataset, "test")
        named = zip(dataset.info["tasks"], metrics["per_task"], strict=True)
        rows += [{"candidate": candidate["id"], "task": task, **values} for task, values in named]
        log.info("test split: %s", candidate["id"])
    write_tsv(snakemake.output[0], pd.DataFrame(rows))
