"""Read TF-MoDISco's patterns, trim them, compare them and describe them in a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from lucidna.errors import UserError
from lucidna.iupac import IUPAC
from lucidna.meme import write_meme
from lucidna.motifs.core import without_strays
from lucidna.ppm import information

_IUPAC_TWO = {bases: letter for letter, bases in IUPAC.items() if len(bases) == 2}
_COMPLEMENT = str.maketrans("ACGTMRWSYKN", "TGCAKYWSRMN")


@dataclass(frozen=True)
class Pattern:
    """A motif that TF-MoDISco found.

    Attributes
    ----------
    name : str
        As modisco-lite and Fi-NeMo write it, e.g. "pos_patterns.pattern_0".
    sign : str
        "pos" or "neg".
    ppm : ndarray, float64, shape (4, w)
        Base frequencies of the aligned seqlets; columns sum to 1.
    cwm : ndarray, float64, shape (4, w)
        Contribution weight matrix: mean contribution of the base that is there, in units of the model's
        output.
    hcwm : ndarray, float64, shape (4, w)
        Mean hypothetical contributions, same units.
    seqlets : DataFrame
        One line per seqlet: row (of the attribution file), start, end (0-based, half-open, in the map),
        strand ("-" when the pattern is the reverse complement of the map), contribution (sum over the trimmed
        core, same units).
    start, end : int
        The trimmed core within the w columns.
    """

    name: str
    sign: str
    ppm: np.ndarray
    cwm: np.ndarray
    hcwm: np.ndarray
    seqlets: pd.DataFrame
    start: int
    end: int

    @property
    def n_seqlets(self) -> int:
        """Number of seqlets."""
        return len(self.seqlets)

    @property
    def core(self) -> slice:
        """The columns of the trimmed core."""
        return slice(self.start, self.end)


@dataclass(frozen=True)
class Discovery:
    """The patterns of one TF-MoDISco run, with the facts stored beside them by `discover.run_modisco`."""

    patterns: list[Pattern]
    facts: dict


def read_discovery(path: str | Path, *, trim: float = 0.3) -> Discovery:
    """Read a file of `discover.run_modisco`.

    Parameters
    ----------
    path : path
    trim : float
        Of `without_strays`.

    Returns
    -------
    Discovery
        Positive patterns first, each sign in the order of its numbers.

    Raises
    ------
    UserError
        When the file is missing or is not one of this workflow's.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no file of patterns '{path}': run the motif discovery first")
    try:
        handle = h5py.File(path, "r")
    except OSError as error:
        raise UserError(f"{path} is not a readable HDF5 file ({error}): run the motif discovery again") from error
    with handle:
        if "map_length" not in handle.attrs:
            raise UserError(f"{path} does not say how long its maps were: run the motif discovery of this workflow")
        facts = {key: value.item() if isinstance(value, np.generic) else value for key, value in handle.attrs.items()}
        facts["notices"] = json.loads(facts["notices"])
        left = facts["map_length"] // 2 - facts["window_size"] // 2
        patterns = [
            _read_pattern(
                f"{sign}_patterns.{key}",
                group[key],
                left=left,
                scale=facts["map_scale"],
                trim=trim,
            )
            for sign in ("pos", "neg")
            if (group := handle.get(f"{sign}_patterns")) is not None
            for key in sorted(group, key=lambda key: int(key.rsplit("_", 1)[1]))
        ]
    return Discovery(patterns=patterns, facts=facts)


def _read_pattern(name: str, group: h5py.Group, *, left: int, scale: float, trim: float) -> Pattern:
    ppm = group["sequence"][:].T.astype(np.float64)
    cwm = group["contrib_scores"][:].T.astype(np.float64) / scale
    start, end = without_strays(ppm, cwm, threshold=trim)
    seqlets = group["seqlets"]
    # Seqlet arrays are already turned to the pattern's strand, so the core is the same columns in all.
    contribution = seqlets["contrib_scores"][:, start:end].sum(axis=(1, 2), dtype=np.float64) / scale
    table = pd.DataFrame(
        {
            "row": seqlets["example_idx"][:],
            "start": seqlets["start"][:] + left,
            "end": seqlets["end"][:] + left,
            "strand": np.where(seqlets["is_revcomp"][:], "-", "+"),
            "contribution": contribution,
        }
    )
    return Pattern(
        name=name,
        sign=name[:3],
        ppm=ppm / np.maximum(ppm.sum(axis=0), 1e-12),
        cwm=cwm,
        hcwm=group["hypothetical_contribs"][:].T.astype(np.float64) / scale,
        seqlets=table,
        start=start,
        end=end,
    )


def consensus(ppm: np.ndarray) -> str:
    """Spell a motif in IUPAC letters (Cavener 1987).

    One base when its frequency is above 1/2 and above twice the second's; two bases when together they are
    above 3/4; otherwise N.
    """
    letters = []
    for column in np.asarray(ppm).T:
        order = np.argsort(-column, kind="stable")
        first, second = column[order[0]], column[order[1]]
        if first > 0.5 and first > 2 * second:
            letters.append("ACGT"[order[0]])
        elif first + second > 0.75:
            letters.append(_IUPAC_TWO["".join(sorted("ACGT"[i] for i in order[:2]))])
        else:
            letters.append("N")
    return "".join(letters)


def reverse_complement_text(text: str) -> str:
    """Reverse-complement IUPAC letters as `consensus` writes them."""
    return text.translate(_COMPLEMENT)[::-1]


def describe(patterns: Sequence[Pattern]) -> pd.DataFrame:
    """Tabulate patterns.

    Returns
    -------
    DataFrame
        One line per pattern: pattern, sign, n_seqlets, n_regions (with a seqlet), width (of the core, bp),
        consensus and consensus_rc (IUPAC, both strands), information (bits over the core), mean_contribution
        (of a seqlet's core, units of the model's output).
    """
    columns = [
        "pattern",
        "sign",
        "n_seqlets",
        "n_regions",
        "width",
        "consensus",
        "consensus_rc",
        "information",
    ]
    rows = []
    for pattern in patterns:
        core = pattern.ppm[:, pattern.core]
        text = consensus(core)
        rows.append(
            (
                pattern.name,
                pattern.sign,
                pattern.n_seqlets,
                pattern.seqlets["row"].nunique(),
                pattern.end - pattern.start,
                text,
                reverse_complement_text(text),
                information(core).sum(),
                pattern.seqlets["contribution"].mean(),
            )
        )
    return pd.DataFrame(rows, columns=[*columns, "mean_contribution"])


def write_patterns_meme(path: str | Path, patterns: Sequence[Pattern]) -> None:
    """Write the trimmed cores of the patterns as a MEME file: a header only without patterns."""
    write_meme(
        path,
        [pattern.name for pattern in patterns],
        [pattern.ppm[:, pattern.core] for pattern in patterns],
        sites=[pattern.n_seqlets for pattern in patterns],
    )
