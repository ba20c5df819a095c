"""Say which candidates' maps are averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lucidna.errors import UserError, nearest

NONE_CHOSEN = "the ranking chose no candidate, so no map was made (rank/verdict.json says why)"
"""What an attribution file without maps says of itself."""


def members_of(models: str | Sequence[str], verdict: Mapping, *, known: Sequence[str]) -> list[str]:
    """Return the ids of the candidates to explain: the verdict's, or those that the config names.

    A verdict that chooses none gives an empty list: there is nothing to explain, and that is a result.

    Parameters
    ----------
    models : str or sequence of str
        "chosen", or candidate ids (the config's attribution.models).
    verdict : mapping
        Content of verdict.json; its "chosen" are ids.
    known : sequence of str
        Ids of the grid.

    Raises
    ------
    UserError
        When an id that the config names is not in the grid.
    """
    if models == "chosen":
        return list(verdict["chosen"])
    for name in models:
        if name not in known:
            guess = nearest(name, known)
            hint = f"did you mean '{guess}'?" if guess else "train/candidates.tsv lists the ids"
            raise UserError(f"config key 'attribution.models' names '{name}', which is not in the grid: {hint}")
    return list(models)
