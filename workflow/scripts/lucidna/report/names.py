"""Names of patterns and styles of labels on the page."""

from __future__ import annotations


def short_name(name: str) -> str:
    """Shorten "pos_patterns.pattern_0" to "pos 0"."""
    return name.replace("_patterns.pattern_", " ")


def label_class(label: str) -> str:
    """Return the style of a label: supported, weak, null or untested."""
    for word, css in (("supported", "good"), ("weak", "fair"), ("null", "poor")):
        if label.startswith(word) or (word == "null" and word in label):
            return css
    return "unknown"
