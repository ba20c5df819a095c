"""Run TF-MoDISco on other maps of the same regions, to see which patterns come again."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lucidna.motifs.discover import run_modisco
from lucidna.motifs.reproducibility import CANDIDATE, METHOD, OUTPUT

logger = logging.getLogger(__name__)

_MAPS, _PATTERNS = ".attributions.h5", ".modisco.h5"


def discover_again(maps: str | Path, out: str | Path, **settings: Any) -> None:
    """Discover the patterns of one attribution file, or of each one in a folder.

    Maps of which TF-MoDISco can make no seqlets, such as those of few regions, give a file without a pattern that
    says why: they are no reason to stop the rest.

    Parameters
    ----------
    maps : path
        An attribution file, or a folder with files `<name>.attributions.h5`.
    out : path
        The file of patterns, or the folder for files `<name>.modisco.h5`.
    **settings
        Of `discover.run_modisco`.
    """
    maps, out = Path(maps), Path(out)
    if not maps.is_dir():
        run_modisco(maps, out, few=True, **settings)
        return
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(maps.glob(f"*{_MAPS}")):
        name = path.name.removesuffix(_MAPS)
        logger.info("patterns of %s", name)
        run_modisco(path, out / f"{name}{_PATTERNS}", few=True, **settings)


def runs_of(
    folders: Iterable[str | Path], methods: Iterable[str | Path], outputs: Iterable[str | Path]
) -> dict[str, dict[str, Path]]:
    """Name the files of patterns of other runs, as `reproducibility.read_runs` takes them.

    Parameters
    ----------
    folders : iterable of path
        With the files of the candidates, `<candidate>.modisco.h5`.
    methods : iterable of path
        Files `<method>.modisco.h5`.
    outputs : iterable of path
        Files of other tasks and heads, `<task>/<head>/modisco.h5`.
    """
    members = [path for folder in folders for path in sorted(Path(folder).glob(f"*{_PATTERNS}"))]
    return {
        CANDIDATE: {_name(path): path for path in members},
        METHOD: {_name(Path(path)): Path(path) for path in methods},
        OUTPUT: {"/".join(Path(path).parts[-3:-1]): Path(path) for path in outputs},
    }


def _name(path: Path) -> str:
    return path.name.removesuffix(_PATTERNS)
