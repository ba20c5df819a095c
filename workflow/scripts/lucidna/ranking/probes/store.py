"""What was probed of one candidate: per region, with the rows of the dataset that it was probed on."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lucidna.errors import UserError
from lucidna.files import atomic_path


@dataclass(frozen=True)
class Probes:
    """Per-region values of the probes of one candidate.

    Attributes
    ----------
    rows
        int64 (R,), rows of the dataset.
    values
        criterion -> (R,), NaN where a region was not probed.
    weights
        criterion -> (R,), for criteria whose regions do not count equally.
    fold_rows, fold_maps
        Another fold -> rows of the dataset (R,) and the candidate's unit-norm corrected maps (R, 4, L), float16.
    """

    rows: np.ndarray
    values: dict[str, np.ndarray]
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    fold_rows: dict[str, np.ndarray] = field(default_factory=dict)
    fold_maps: dict[str, np.ndarray] = field(default_factory=dict)

    def save(self, path: str | Path) -> None:
        """Write an .npz that is read without pickle."""
        arrays = {"rows": self.rows}
        for group in ("values", "weights", "fold_rows", "fold_maps"):
            arrays |= {f"{group}/{name}": array for name, array in getattr(self, group).items()}
        with atomic_path(path) as temporary, temporary.open("wb") as handle:
            np.savez(handle, **arrays)


def no_probes() -> Probes:
    """Return what stands for a candidate that was not probed."""
    return Probes(rows=np.zeros(0, dtype=np.int64), values={})


def read_probes(path: str | Path) -> Probes:
    """Read what `Probes.save` wrote.

    Raises
    ------
    UserError
        When the file is missing or damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(
            f"{path} is missing: probe this candidate before it is ranked, or set ranking.probes.regions: 0"
        )
    groups: dict[str, dict[str, np.ndarray]] = {"values": {}, "weights": {}, "fold_rows": {}, "fold_maps": {}}
    try:
        with np.load(path, allow_pickle=False) as file:
            rows = file["rows"]
            for key in file.files:
                group, _, name = key.partition("/")
                if name:
                    groups[group][name] = file[key]
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} does not hold probes ({error}): remove it and run again") from error
    return Probes(rows=rows, **groups)
