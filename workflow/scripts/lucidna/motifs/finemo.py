"""Run Fi-NeMo on maps, up to their very ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from lucidna.motifs.elements import Part, least_part
from lucidna.motifs.external import run_tool
from lucidna.motifs.maps import MapFile, map_blocks, project
from lucidna.motifs.patterns import Pattern

# Fi-NeMo fits a batch until its slowest region is done. 99 of 100 regions take under 100 steps and one in a few
# hundred never ends, so small batches and few steps find the same hits (97 to 100 of 100, benchmarks/hits) ten times
# faster on a CPU.
_BATCH, _MAX_STEPS = 32, 500
_BUFFER = 2**25  # coefficients fitted at a time: regions x motifs x positions
_DATASETS = {"ppm": "sequence", "cwm": "contrib_scores", "hcwm": "hypothetical_contribs"}
_READ = {"motif_name": str, "strand": str}


def run_finemo(
    sources: Sequence[tuple[MapFile, int, int]],
    folder: Path,
    patterns: Sequence[Pattern],
    parts: dict[str, list[Part]],
    *,
    lambda_: float,
    trim: float,
    threads: int,
) -> tuple[pd.DataFrame, list[str]]:
    """Call hits in some rows; start and end count from the start of the map, row from the first row given."""
    rows, length = sum(stop - start for _, start, stop in sources), sources[0][0].length
    margin = max(pattern.cwm.shape[1] for pattern in patterns)
    inside = slice(margin, margin + length)
    width = length + 2 * margin + length % 2  # Fi-NeMo wants an even number
    sequences = np.zeros((rows, 4, width), dtype=np.int8)
    projected = np.zeros((rows, width), dtype=np.float32)
    scales = np.empty(rows)
    filled = 0
    for file, start, stop in sources:
        for _, one_hot, hypothetical in map_blocks(file, start=start, stop=stop):
            block = slice(filled, filled + len(one_hot))
            sequences[block, :, inside] = one_hot
            projected[block, inside] = project(one_hot, hypothetical)
            scales[block] = file.scale
            filled += len(one_hot)
    # Fi-NeMo's own intermediate format, in its compact form (projected maps). No coordinates: it would read a
    # chromosome called "NA" or "." as missing, and rows are turned into places here anyway.
    np.savez(folder / "regions.npz", sequences=sequences, contributions=projected.astype(np.float16))
    called = _write_cwms(folder / "cwms.h5", patterns)
    batch = max(1, min(rows, _BATCH, _BUFFER // (2 * len(patterns) * width)))
    arguments = ["call-hits", "-r", f"{folder}/regions.npz", "-m", f"{folder}/cwms.h5", "-o", f"{folder}/out"]
    arguments += ["-l", str(lambda_), "-t", str(trim), "-b", str(batch), "-S", str(_MAX_STEPS)]
    text = run_tool("finemo", arguments, threads=threads)
    table = pd.read_csv(folder / "out" / "hits.tsv", sep="\t", dtype=_READ, keep_default_na=False)
    table["motif_name"] = table["motif_name"].map(called)
    table["start"], table["end"] = core_places(table, patterns)
    table = table[(table["start"] >= inside.start) & (table["end"] <= inside.stop)]
    row = table["peak_id"].to_numpy(dtype=np.int64)
    start, end = table["start"].to_numpy(dtype=np.int64), table["end"].to_numpy(dtype=np.int64)
    sums = np.zeros((2, rows, width + 1))
    for total, values in zip(sums, (projected, np.abs(projected)), strict=True):
        np.cumsum(values, axis=1, dtype=np.float64, out=total[:, 1:])
    contribution, importance = (sums[:, row, end] - sums[:, row, start]) / scales[row]
    hits = table.rename(columns={"motif_name": "pattern"}).assign(row=row)
    result = pd.DataFrame(
        {
            "row": row,
            "start": start - margin,
            "end": end - margin,
            "start_untrimmed": table["start_untrimmed"].to_numpy(dtype=np.int64) - margin,
            "end_untrimmed": table["end_untrimmed"].to_numpy(dtype=np.int64) - margin,
            "strand": table["strand"].to_numpy(),
            "pattern": table["motif_name"].to_numpy(),
            # The strength of a map is its mean square, which an empty margin lowers.
            "relative_score": table["hit_coefficient"].to_numpy(dtype=float) * length / width,
            # Coefficients are in squared units of the maps.
            "score": table["hit_coefficient_global"].to_numpy(dtype=float) / scales[row] ** 2,
            "correlation": table["hit_similarity"].to_numpy(dtype=float),
            "contribution": contribution,
            "importance": importance,
            "least_part": least_part(hits, patterns, parts, sequences, projected),
        }
    )
    unfitted = text.count("has not converged within") + text.count("Optimizer failed for region")
    return result, [f"Fi-NeMo did not converge in {unfitted} of {rows} maps"] if unfitted else []


def _write_cwms(path: Path, patterns: Sequence[Pattern]) -> dict[str, str]:
    """Write patterns as Fi-NeMo reads them, numbered anew; return its name of each -> ours."""
    called = {}
    with h5py.File(path, "w") as handle:
        for number, pattern in enumerate(patterns):
            group = handle.create_group(f"{pattern.sign}_patterns/pattern_{number}")
            for name in ("ppm", "cwm", "hcwm"):
                group[_DATASETS[name]] = getattr(pattern, name).T
            called[f"{pattern.sign}_patterns.pattern_{number}"] = pattern.name
    return called


def core_places(table: pd.DataFrame, patterns: Sequence[Pattern]) -> tuple[np.ndarray, np.ndarray]:
    """Return start and end of the patterns' cores at Fi-NeMo's hits, which name the places of whole CWMs."""
    first, last = (table["motif_name"].map({p.name: getattr(p, edge) for p in patterns}) for edge in ("start", "end"))
    forward = table["strand"] == "+"
    start = np.where(forward, table["start_untrimmed"] + first, table["end_untrimmed"] - last)
    return start.astype(np.int64), (start + last - first).to_numpy(dtype=np.int64)
