"""Read a genome, one chromosome at a time, as codes; match the chromosome names of other files to its own.

Nothing is written beside the genome, so it may lie in a read-only folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from lucidna import twobit
from lucidna.errors import UserError, nearest
from lucidna.fasta import Fasta
from lucidna.twobit import TwoBit

_NUMERALS = "I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI XVII XVIII XIX XX XXI XXII XXIII XXIV XXV"
_ROMAN = tuple(_NUMERALS.split())


class Genome:
    """The chromosomes of one genome file.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    sizes : dict[str, int]
        Length of each chromosome in bp, in the order of the file.
    aliases : dict[str, str]
        Name in other files -> name in this genome, as the configuration gives them.
    """

    def __init__(self, path: Path, reader: Fasta | TwoBit, aliases: Mapping[str, str] | None):
        self.path = path
        self.sizes = reader.sizes
        self.aliases = {str(name): str(target) for name, target in (aliases or {}).items()}
        self._reader = reader
        for name, target in self.aliases.items():
            if target not in self.sizes:
                raise UserError(
                    f"genome.aliases maps {name!r} to {target!r}, which {path} does not have{_has(self.sizes)}"
                )

    def codes(self, chrom: str) -> np.ndarray:
        """Return uint8 (size,), the codes of one chromosome of `sizes`.

        Raises
        ------
        UserError
            When the genome has no such chromosome, or it holds a letter that is not in ACGTN.
        """
        if chrom not in self.sizes:
            raise UserError(f"{self.path} has no chromosome {chrom!r}{_has(self.sizes)}")
        return self._reader.codes(chrom)

    def iter(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield (name, codes) of every chromosome in the order of the file."""
        for chrom in self.sizes:
            yield chrom, self.codes(chrom)


def open_genome(path: str | os.PathLike, *, aliases: Mapping[str, str] | None = None, iupac: str = "error") -> Genome:
    """Open a FASTA (plain, gzip or bgzip) or a 2bit file.

    Parameters
    ----------
    path : path
        The genome; no index is needed and none is written.
    aliases : mapping, optional
        Name of a chromosome in the other files -> its name in the genome.
    iupac : {"error", "n"}
        What the letters R Y S W K M B D H V of a FASTA become: an error, or N.

    Raises
    ------
    UserError
        When the file is missing, empty, damaged, of another kind, or names a chromosome twice.
    """
    path = Path(path)
    if iupac not in ("error", "n"):
        raise ValueError(f"iupac must be 'error' or 'n', not {iupac!r}")
    try:
        with path.open("rb") as handle:
            head = handle.read(4)
    except OSError as error:
        raise UserError(f"genome {path} cannot be read ({error.strerror}): check genome.fasta") from error
    if not head:
        raise UserError(f"genome {path} is empty: give a FASTA or 2bit file as genome.fasta")
    is_twobit = twobit.MAGIC in (int.from_bytes(head, "little"), int.from_bytes(head, "big"))
    return Genome(path, TwoBit(path) if is_twobit else Fasta(path, iupac), aliases)


def resolve_chromosomes(
    names: Iterable[str],
    sizes: Mapping[str, int],
    *,
    aliases: Mapping[str, str] | None = None,
    where: str = "regions",
    missing: str = "error",
) -> dict[str, str]:
    """Map the chromosome names of a file to those of the genome.

    Parameters
    ----------
    names : iterable of str
        Names in the file; repeats are allowed.
    sizes : mapping
        Chromosomes of the genome.
    aliases : mapping, optional
        Name in the file -> name in the genome; goes before equal names.
    where : str
        What names them, for the message.
    missing : {"error", "skip"}
        What to do with a name that the genome does not have under any spelling.

    Returns
    -------
    dict
        Name in the file -> name in the genome, without the skipped ones.

    Raises
    ------
    UserError
        When a name is absent and another spelling of it (chr1, 1, chrI, I; M, MT, Mito) is present: the
        choice is the user's. When a name is absent altogether, unless `missing` is "skip".
    """
    aliases = {str(name): str(target) for name, target in (aliases or {}).items()}
    found = {}
    for name in dict.fromkeys(str(name) for name in names):
        target = aliases.get(name, name)
        if target in sizes:
            found[name] = target
            continue
        other = other_spelling(name, sizes)
        if other is not None:
            raise UserError(
                f"{where}: chromosome {name!r} is not in the genome, which has {other!r}: "
                f"set genome.aliases: {{{name!r}: {other!r}}} or rename it"
            )
        if missing == "error":
            raise UserError(f"{where}: chromosome {name!r} is not in the genome{_has(sizes, name)}")
    return found


def other_spelling(name: str, options: Iterable[str]) -> str | None:
    """Return the option that spells chromosome `name` in another usual way (chr1, 1, chrI, I), or None."""
    options = set(options)
    return next((form for form in _spellings(name) if form != name and form in options), None)


def _spellings(name: str) -> list[str]:
    """Return the usual spellings of a chromosome's name, the likeliest first."""
    bare = name[3:] if name.lower().startswith("chr") else name
    forms = [bare]
    # X is as likely the sex chromosome as the tenth.
    if bare.isdigit() and 0 < int(bare) <= len(_ROMAN) and bare != "10":
        forms.append(_ROMAN[int(bare) - 1])
    elif bare.upper() in _ROMAN and bare.upper() != "X":
        forms.append(str(_ROMAN.index(bare.upper()) + 1))
    if bare.upper() in ("M", "MT", "MITO"):
        forms += ["M", "MT", "Mito"]
    return [prefix + form for form in forms for prefix in ("chr", "", "Chr", "CHR")]


def _has(sizes: Mapping[str, int], name: str | None = None) -> str:
    """Return the end of a message: the nearest name, or the first few names of the genome."""
    close = nearest(name, sizes) if name is not None else None
    if close is not None:
        return f": did you mean {close!r}?"
    names = list(sizes)
    return f": it has {', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}"
