"""The one error that a user can cause, and help with misspelt words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """Something in the user's input is wrong.

    The message is one sentence: which file, line or key; the value; what to do. Scripts print it without a
    traceback and exit with status 1.
    """


def nearest(word: str, options: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the option that is spelt most like `word`, or None when none is close; `cutoff` 1 is the same word."""
    close = difflib.get_close_matches(str(word), [str(option) for option in options], n=1, cutoff=cutoff)
    return close[0] if close else None
