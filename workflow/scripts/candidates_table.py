"""List every candidate's id with its settings."""

import json

import pandas as pd

from lucidna.files import write_tsv
from lucidna.runtime import script

with script(snakemake):
    rows = [
        {key: json.dumps(value) if isinstance(value, dict | list) else value for key, value in candidate.items()}
        for candidate in snakemake.params.candidates
    ]
    write_tsv(snakemake.output[0], pd.DataFrame(rows, dtype=object))
