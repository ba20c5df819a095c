"""DeepSTARR: four convolutions and two dense layers, for the activity of short sequences."""

from __future__ import annotations

from typing import ClassVar

from lucidna.models.scalar_cnn import ScalarCNN


class DeepSTARR(ScalarCNN):
    """DeepSTARR (de Almeida et al., Nat Genet 54:613, 2022)."""

    dense_dropouts: ClassVar[tuple[float, ...]] = (0.4,)
