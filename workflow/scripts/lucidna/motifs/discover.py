"""Run TF-MoDISco on an attribution file, with its regions in a recorded random order."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np

from lucidna.attribution.nulls import permuted
from lucidna.errors import UserError
from lucidna.files import atomic_path
from lucidna.motifs.external import run_tool
from lucidna.motifs.extraction import DEFAULT_WIDTHS, Widths, count_seqlets
from lucidna.motifs.maps import MapFile, map_blocks, open_maps, project

logger = logging.getLogger(__name__)

_MIN_SEQLETS = 100  # a sign with no more seqlets than this is not clustered at all


def run_modisco(
    attributions_h5: str | Path,
    out_h5: str | Path,
    *,
    seqlets: int = 20000,
    window: int = 400,
    leiden: int = 2,
    widths: Widths = DEFAULT_WIDTHS,
    seed: int = 0,
    permute: int | None = None,
    share: float = 1.0,
    few: bool = False,
    threads: int = 1,
    work_dir: str | Path | None = None,
) -> dict:
    """Discover patterns with `modisco motifs` (TF-MoDISco-lite 3) in both signs.

    `modisco motifs -n` takes seqlets in the order of its regions, so peaks sorted by place or strength would
    give the patterns of the first ones only. The regions are shuffled here with `seed`, and afterwards every
    `seqlets/example_idx` in the output is written back as the row in `attributions_h5`: readers that are
    given the original file (`finemo report`, `modisco seqlet-bed` with the matching BED) see the right
    regions.

    Parameters
    ----------
    attributions_h5 : path
        Attribution file of N regions (see `lucidna.motifs.maps.open_maps`).
    out_h5 : path
        Where the patterns are written: the layout of modisco-lite, a sign's group being absent when it is
        empty, plus the dataset `/region_id` (N,) and the attributes listed under Returns.
    seqlets : int
        Most seqlets per sign.
    window : int
        Width around the centre of the maps that is searched, bp; no more than the maps are wide is used.
    leiden : int
        Number of Leiden clusterings.
    widths : Widths
        Of seqlets and patterns.
    seed : int
        Seed of the order of the regions.
    permute : int, optional
        Search, instead of the maps, this draw of a permutation of their positions: within each region's
        window, contributions keep their values and bases and lose their places (`attribution.nulls.permuted`).
    share : float
        Search only the first regions of the random order, this share of all (0 to 1).
    few : bool
        Take maps from which no seqlet threshold can be set for maps without a pattern, rather than for an error.
    threads : int
    work_dir : path, optional
        Folder for temporary files, about 12 N x window bytes; the system's by default.

    Returns
    -------
    dict
        n_regions (searched), map_length, map_scale, window_size, max_seqlets, shuffle_seed, n_patterns, pos_patterns,
        neg_patterns, pos_seqlets_seen, neg_seqlets_seen, pos_seqlets_used, neg_seqlets_used (given to the
        clustering), pos_seqlet_strength, neg_seqlet_strength (median sum of |contribution| over the bp of a
        seqlet in its pattern, units of the model's output), notices (list of str), seconds, modisco_version.

    Raises
    ------
    UserError
        For maps that are missing, too short or not finite, and when the command fails.
    """
    start = time.perf_counter()
    maps = open_maps(attributions_h5)
    notices: list[str] = []
    width = _usable_window(maps, window, widths, notices)
    order = np.random.default_rng(seed).permutation(maps.n_regions)[: round(share * maps.n_regions)]
    facts: dict = {
        "n_regions": len(order),
        "map_length": maps.length,
        "map_scale": maps.scale,
        "window_size": width,
        "max_seqlets": seqlets,
        "shuffle_seed": seed,
        "modisco_version": version("modisco-lite"),
    }
    if work_dir is not None:
        Path(work_dir).mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="modisco_", dir=work_dir) as folder,
        atomic_path(out_h5) as temporary,
    ):
        draw = None if permute is None else (seed, permute)
        projected = _write_inputs(maps, Path(folder), order=order, width=width, permute=draw)
        found, reason = _seqlets(projected, widths, few=few)
        if found is not None:
            logger.info("%d positive and %d negative seqlets", found["pos"][0], found["neg"][0])
            arguments = ["motifs", "-s", f"{folder}/sequences.npy", "-a", f"{folder}/contributions.npy"]
            arguments += ["-n", str(seqlets), "-l", str(leiden), "-w", str(width), *widths.arguments]
            arguments += ["-v", "-o", str(temporary)]
            cache = {"NUMBA_CACHE_DIR": numba_cache(folder)}
            run_tool("modisco", arguments, threads=threads, environment=cache)
        else:
            found = dict.fromkeys(("pos", "neg"), (0, 0.0))
            notices.append(f"{reason}: no patterns can be found")
            with h5py.File(temporary, "w") as handle:
                handle.attrs["window_size"] = width
        counts = _restore_rows(temporary, order=order, region_ids=maps.region_ids)
        for sign, (seen, strength) in found.items():
            used = min(seen, seqlets) if seen > _MIN_SEQLETS else 0
            facts[f"{sign}_patterns"] = counts[sign]
            facts[f"{sign}_seqlets_seen"], facts[f"{sign}_seqlets_used"] = seen, used
            facts[f"{sign}_seqlet_strength"] = strength / maps.scale
            if projected.any():
                notices += _sign_notices(sign, seen=seen, used=used, patterns=counts[sign])
        facts |= {"n_patterns": counts["pos"] + counts["neg"], "notices": notices}
        with h5py.File(temporary, "r+") as handle:
            for key, value in facts.items():
                handle.attrs[key] = json.dumps(value) if key == "notices" else value
    for notice in notices:
        logger.info("%s", notice)
    logger.info("%d positive and %d negative patterns", counts["pos"], counts["neg"])
    # The time is not in the file: the same input gives the same file.
    return {**facts, "seconds": round(time.perf_counter() - start, 1)}


def _seqlets(projected: np.ndarray, widths: Widths, *, few: bool) -> tuple[dict[str, tuple[int, float]] | None, str]:
    """Count the seqlets of each sign; None, and why, when there can be none."""
    if not projected.any():
        return None, "every contribution in the window is 0" if projected.size else "there are no maps"
    try:
        return count_seqlets(projected, widths), ""
    except UserError as error:
        if not few:
            raise
        return None, str(error)


def numba_cache(fallback: str | Path) -> str:
    """Return a folder for compiled kernels, shared by runs of the same versions and no other tool."""
    tag = f"numba-modisco-lite-{version('modisco-lite')}-numba-{version('numba')}"
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lucidna" / tag
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return str(folder)
    except (OSError, RuntimeError):  # a home that cannot be written, or none at all
        return str(Path(fallback) / tag)


def _usable_window(maps: MapFile, window: int, widths: Widths, notices: list[str]) -> int:
    width = min(window, maps.length)
    width -= width % 2  # modisco halves the window, and refuses an odd one
    if width < widths.seqlet:
        raise UserError(
            f"TF-MoDISco needs {widths.seqlet} bp, but the maps of {maps.path} are {maps.length} bp and "
            f"motifs.window is {window}: use longer inputs or smaller motifs.widths"
        )
    if width != window:
        notices.append(f"motifs.window is {window} bp, the maps {maps.length} bp: {width} bp are searched")
    return width


def _write_inputs(
    maps: MapFile, folder: Path, *, order: np.ndarray, width: int, permute: tuple[int, int] | None
) -> np.ndarray:
    """Write the central windows of the regions in `order` for the command; return their projected maps, float32."""
    shape = (len(order), 4, width)
    projected = np.zeros((len(order), width), dtype=np.float32)
    if not len(order):
        return projected
    needed, free = 12 * len(order) * width, shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(f"{folder} has {free >> 20} MiB free, {needed >> 20} MiB are needed: make room")
    sequences = np.lib.format.open_memmap(folder / "sequences.npy", mode="w+", dtype=np.int8, shape=shape)
    contributions = np.lib.format.open_memmap(folder / "contributions.npy", mode="w+", dtype=np.float16, shape=shape)
    place = np.full(maps.n_regions, -1)  # row of the file -> row of the shuffled arrays
    place[order] = np.arange(len(order))
    left = maps.length // 2 - width // 2
    for first, one_hot, hypothetical in map_blocks(maps):
        target = place[first : first + len(one_hot)]
        asked = target >= 0
        one_hot, hypothetical = one_hot[:, :, left : left + width], hypothetical[:, :, left : left + width]
        if permute is not None:
            hypothetical = permuted(hypothetical, one_hot, seed=(*permute, first))
        target, one_hot, hypothetical = target[asked], one_hot[asked], hypothetical[asked]
        sequences[target], contributions[target] = one_hot, hypothetical
        projected[target] = project(one_hot, hypothetical)
    return projected


def _restore_rows(path: Path, *, order: np.ndarray, region_ids: list[str]) -> dict[str, int]:
    """Put the rows of the attribution file in place of the shuffled ones; count the patterns of each sign."""
    counts = {}
    with h5py.File(path, "r+") as handle:
        for sign in ("pos", "neg"):
            group = handle.get(f"{sign}_patterns")
            counts[sign] = 0 if group is None else len(group)
            if group is not None and len(group) == 0:
                del handle[f"{sign}_patterns"]

        def restore(name: str, item: h5py.Dataset | h5py.Group) -> None:
            if name.endswith("seqlets/example_idx"):
                item[...] = order[item[...]]

        handle.visititems(restore)
        handle.create_dataset("region_id", data=np.array(region_ids, dtype=object), dtype=h5py.string_dtype())
    return counts


def _sign_notices(sign: str, *, seen: int, used: int, patterns: int) -> list[str]:
    word = {"pos": "positive", "neg": "negative"}[sign]
    if seen <= _MIN_SEQLETS:
        return [f"no {word} patterns: {seen} {word} seqlets, and TF-MoDISco wants more than {_MIN_SEQLETS}"]
    notices = []
    if used < seen:
        notices.append(f"motifs.seqlets bound: {used} of {seen} {word} seqlets were used")
    if patterns == 0:
        notices.append(f"no {word} pattern: none of the clusters of {used} seqlets held")
    return notices
