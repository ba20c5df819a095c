"""Short names for the page."""

from __future__ import annotations


def short_name(name: str) -> str:
    """Shorten "pos_patterns.pattern_0" to "pos 0"."""
    return name.replace("_patterns.pattern_", " ")
