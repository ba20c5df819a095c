"""Say which candidates' maps are averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lucidna.errors import UserError, nearest


def members_of(models: str | Sequence[str], verdict: Mapping, *, known: Sequence[str]) -> list[str]:
    """Return the ids of the candidates to explain: the verdict's, or those that the config names.

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
        When the verdict chose none, or an id is not in the grid.
    """
    if models == "chosen":
        if not verdict["chosen"]:
            raise UserError(
                "the verdict chose no candidate (rank/verdict.json says why), so there is nothing to explain: give "
                "the grid more seeds or epochs, or name candidates in attribution.models to map them all the same"
            )
        return list(verdict["chosen"])
    for name in models:
        if name not in known:
            guess = nearest(name, known)
            hint = f"did you mean '{guess}'?" if guess else "train/candidates.tsv lists the ids"
            raise UserError(f"config key 'attribution.models' names '{name}', which is not in the grid: {hint}")
    return list(models)
