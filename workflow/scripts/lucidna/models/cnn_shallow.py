"""The shallow convolutional network of the attribution studies: two convolutions and one dense layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from lucidna.models.names import shallow_pool_sizes
from lucidna.models.scalar_cnn import ScalarCNN


class CNNShallow(ScalarCNN):
    """CNN-shallow (p-koo/GradientCorrection; Majdandzic et al., Genome Biol 24:109, 2023).

    The wide first pool leaves later layers no way to put a motif together from parts, so that the filters of
    the first layer learn whole motifs.
    """

    conv_dropouts: ClassVar[tuple[float, ...]] = (0.1, 0.2)
    dense_dropouts: ClassVar[tuple[float, ...]] = (0.5,)

    def __init__(self, *, input_length: int, pool_sizes: Sequence[int] | None, **settings: Any) -> None:
        if pool_sizes is None:
            pool_sizes = shallow_pool_sizes(input_length)
        super().__init__(input_length=input_length, pool_sizes=pool_sizes, **settings)
