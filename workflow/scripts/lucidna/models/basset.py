"""Basset: three wide convolutions and two dense layers, for accessibility over many tasks."""

from __future__ import annotations

from typing import ClassVar

from lucidna.models.scalar_cnn import ScalarCNN


class Basset(ScalarCNN):
    """Basset (Kelley, Snoek, Rinn, Genome Res 26:990, 2016), its convolutions padded to keep the length."""

    dense_dropouts: ClassVar[tuple[float, ...]] = (0.3,)
