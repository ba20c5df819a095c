"""Write the average of the chosen candidates' maps, over all regions of their files."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from lucidna import __version__
from lucidna.attribution.ensemble import Ensemble
from lucidna.attribution.hdf5 import Block, float16_scale, write_attributions
from lucidna.attribution.members import NONE_CHOSEN
from lucidna.errors import UserError
from lucidna.external.mapfiles import MapFile
from lucidna.files import sha256
from lucidna.ranking.average import add_member, corrected
from lucidna.sequence import one_hot_numpy


def write_average(
    path: str | Path, members: Mapping[str, MapFile], codes: np.ndarray, region_ids: Sequence[str] | None = None
) -> None:
    """Write the average of several candidates' maps as an attribution file (`attribution.hdf5`).

    Maps are corrected and averaged as in `ranking.average.average_maps`. Where a member's are projected, all are,
    and nothing is corrected: the file's maps are then zero at the bases that are not in the sequence.

    Parameters
    ----------
    path
        ``*.attributions.h5``. Its attribute "candidates" holds the members, "sources" a SHA-256 of each of their
        files; predictions and convergence deltas are NaN, which maps do not tell.
    members
        id -> file, all of the same regions. Without any the file has no region in it, and the attribute "note" says
        why.
    codes
        uint8 (N, L), the sequences of all regions.
    region_ids
        N names; by default the places of the regions, from 1.

    Raises
    ------
    UserError
        Maps that are not finite, or said to be hypothetical and projected.
    """
    codes = codes if members else codes[:0]
    n, length = codes.shape
    projected = any(file.contributions == "projected" for file in members.values())
    names = [str(place + 1) for place in range(n)] if region_ids is None else list(region_ids)[:n]

    def onehot(rows: slice) -> np.ndarray:
        return one_hot_numpy(codes[rows], dtype=np.int8)

    with tempfile.TemporaryDirectory(prefix=".average.", dir=Path(path).parent) as folder:
        ensemble = Ensemble(n, length, folder=Path(folder) if members else None, same_units=False)
        for file in members.values():

            def maps(rows: slice, file: MapFile = file) -> np.ndarray:
                values = file.maps(rows, codes[rows])
                damaged = np.flatnonzero(~np.isfinite(values).all(axis=(1, 2)))
                if len(damaged):
                    raise UserError(
                        f"config key '{file.where}': its maps contain NaN or infinite values, first in row "
                        f"{rows.start + damaged[0] + 1}: make them again"
                    )
                return values * onehot(rows) if projected else corrected(values)

            add_member(ensemble, maps, onehot, n_regions=n)

        def block(rows: slice) -> Block:
            found = ensemble.results(rows, onehot(rows))
            return Block(onehot(rows), found.mean, found.spread, found.sign_agreement)

        unknown = np.full(n, np.nan, dtype=np.float32)
        write_attributions(
            path,
            block,
            region_ids=names,
            length=length,
            prediction=unknown,
            convergence_delta=unknown,
            map_scale=float16_scale(ensemble.largest()) if members else 1.0,
            attributes={
                "method": "average",
                "parameters": {"contributions": "projected" if projected else "hypothetical"},
                "candidates": list(members),
                "sources": {name: sha256(file.path) for name, file in members.items()},
                "versions": {"lucidna": __version__, "numpy": version("numpy")},
                **({} if members else {"note": NONE_CHOSEN}),
            },
        )
