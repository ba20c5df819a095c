"""Sites in IUPAC letters; no heavy import here, so that the config is checked fast."""

from __future__ import annotations

from collections.abc import Mapping

from lucidna.errors import UserError
from lucidna.iupac import IUPAC

LEAST = 4
"""Positions of a site that name at most two bases: a shorter site is found in nearly every pattern."""


def check_expected(expected: Mapping[str, str]) -> None:
    """Refuse a site that is no IUPAC word, or that says too little to be looked up.

    Raises
    ------
    UserError
        Names the motif, its site and what to do.
    """
    for name, site in expected.items():
        strange = sorted(set(str(site).upper()) - set(IUPAC))
        if strange or not site:
            raise UserError(
                f"config key 'motifs.expected.{name}' is '{site}', and {strange[0] if strange else 'nothing'!r} is no "
                "IUPAC letter: write a site such as RTCAYNNNNNACG"
            )
        if sum(len(IUPAC[letter]) <= 2 for letter in site.upper()) < LEAST:
            raise UserError(
                f"config key 'motifs.expected.{name}' is '{site}': give a site with at least {LEAST} positions that "
                "name one or two bases"
            )
