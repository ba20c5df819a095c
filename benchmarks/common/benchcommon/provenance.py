"""What a table says of its making: a digest of its settings, and versions."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Collection, Mapping

import numpy as np
import scipy
import torch


def config_digest(config: Mapping, *, without: Collection[str]) -> str:
    """Return 12 digits of the SHA-256 of the config, without some of its keys."""
    settings = {key: value for key, value in config.items() if key not in without}
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:12]


def versions() -> str:
    """Return the versions of what determines the numbers, on one line."""
    found = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "torch": torch.__version__,
    }
    return " ".join(f"{name}={version}" for name, version in found.items())
