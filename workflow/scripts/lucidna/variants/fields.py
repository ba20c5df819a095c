"""The names of the INFO fields of the annotated VCF."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lucidna.errors import UserError

SUFFIXES = ("", "_sd", "_jsd", "_searched", "_hit", "_makes", "_breaks")
"""Of the fields of a task."""


def info_name(task: str, suffix: str = "") -> str:
    """Return the name of a task's field, in the letters that VCF allows there."""
    return f"lucidna_{re.sub('[^A-Za-z0-9_]', '_', task)}{suffix}"


def check_names(tasks: Sequence[str]) -> None:
    """Raise UserError when two tasks would have a field in common."""
    owner: dict[str, str] = {}
    for task in tasks:
        for suffix in SUFFIXES:
            name = info_name(task, suffix)
            if name in owner:
                raise UserError(
                    f"variants.vcf: the tasks '{owner[name]}' and '{task}' would both be written to the field {name} "
                    "of the annotated VCF: name one of them differently, in letters, digits and _"
                )
            owner[name] = task
