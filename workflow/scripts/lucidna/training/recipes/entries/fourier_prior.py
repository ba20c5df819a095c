"""The component `fourier_prior`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.training.recipes.entries.common import Setting, check_head, check_number

# The window in bp for which `freq_limit` is given.
REFERENCE_LENGTH = 1000

DEFAULTS: dict[str, Any] = {
    "weight": None,  # null: 50 for the profile, 1 otherwise
    "freq_limit": 150,  # cycles per 1,000 bp that are free; rescaled with the window
    "softness": 0.2,  # null: frequencies beyond the limit count nothing
    "smoothing": 3.0,  # sigma in bp
    "head": None,  # counts | profile; null: the logits, the log counts, or of a profile network the profile
}


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse arguments outside their limits."""
    if settings["weight"] is not None:
        check_number("fourier_prior", "weight", settings["weight"], low=0)
    # The spectrum of a window ends at half a cycle per bp.
    check_number("fourier_prior", "freq_limit", settings["freq_limit"], above=0, below=REFERENCE_LENGTH / 2)
    if settings["softness"] is not None:
        check_number("fourier_prior", "softness", settings["softness"], low=0)
    check_number("fourier_prior", "smoothing", settings["smoothing"], low=0, below=setting.window / 2)
    check_head("fourier_prior", settings["head"], setting)
