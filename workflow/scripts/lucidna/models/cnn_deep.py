"""The deep convolutional network of the attribution studies: four convolutions and one dense layer."""

from __future__ import annotations

from typing import ClassVar

from lucidna.models.scalar_cnn import ScalarCNN


class CNNDeep(ScalarCNN):
    """CNN-deep (p-koo/GradientCorrection; Majdandzic et al., Genome Biol 24:109, 2023).

    The first kernel has 19 bp as in the paper; the weights published with it have 11.
    """

    conv_dropouts: ClassVar[tuple[float, ...]] = (0.1, 0.2, 0.3, 0.4)
    dense_dropouts: ClassVar[tuple[float, ...]] = (0.5,)
