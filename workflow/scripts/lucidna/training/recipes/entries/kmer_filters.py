"""The component `kmer_filters`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.errors import UserError
from lucidna.kmers import LONGEST
from lucidna.training.recipes.entries.common import Setting, check_number

DEFAULTS: dict[str, Any] = {
    "k": 7,  # bp
    "share": 0.5,  # largest share of the first layer's filters that start from a word
}


def check(settings: Mapping[str, Any], setting: Setting) -> None:
    """Refuse words that the filters cannot hold."""
    k = settings["k"]
    check_number("kmer_filters", "k", k, low=4, high=LONGEST, whole=True)
    if setting.first_kernel is not None and k > setting.first_kernel:
        raise UserError(
            f"recipe component 'kmer_filters': k {k} is longer than the first filters of {setting.class_name!r}, "
            f"{setting.first_kernel} bp: lower k or widen the filters"
        )
    check_number("kmer_filters", "share", settings["share"], above=0, high=1)
