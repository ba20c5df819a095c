"""Recipes of robust training: one component per file. Importing this package does not import torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lucidna.training.recipes.names import COMPONENTS

if TYPE_CHECKING:
    from lucidna.training.recipes.base import Component
    from lucidna.training.recipes.recipe import Recipe


def registry() -> dict[str, type[Component]]:
    """Return the class of every component by its name in the config."""
    from lucidna.training.recipes.adversarial import Adversarial
    from lucidna.training.recipes.angle_penalty import AnglePenalty
    from lucidna.training.recipes.conjoined import Conjoined
    from lucidna.training.recipes.distillation import Distillation
    from lucidna.training.recipes.dropout_schedule import DropoutSchedule
    from lucidna.training.recipes.ema import EMA
    from lucidna.training.recipes.evoaug import EvoAug
    from lucidna.training.recipes.exponential import Exponential
    from lucidna.training.recipes.fourier_prior import FourierPrior
    from lucidna.training.recipes.input_noise import InputNoise
    from lucidna.training.recipes.jacobian_penalty import JacobianPenalty
    from lucidna.training.recipes.kmer_filters import KmerFilters
    from lucidna.training.recipes.label_smoothing import LabelSmoothing
    from lucidna.training.recipes.manifold_mixup import ManifoldMixup
    from lucidna.training.recipes.manifold_noise import ManifoldNoise
    from lucidna.training.recipes.mixup import Mixup
    from lucidna.training.recipes.sam import SAM
    from lucidna.training.recipes.spectral_norm import SpectralNorm
    from lucidna.training.recipes.standard import Standard
    from lucidna.training.recipes.swa import SWA

    parts: list[type[Component]] = [
        Standard,
        Exponential,
        KmerFilters,
        EvoAug,
        SpectralNorm,
        DropoutSchedule,
        Conjoined,
        EMA,
        SWA,
        SAM,
        FourierPrior,
        AnglePenalty,
        JacobianPenalty,
        Adversarial,
        Mixup,
        ManifoldMixup,
        InputNoise,
        ManifoldNoise,
        LabelSmoothing,
        Distillation,
    ]
    return {part.name: part for part in parts}


def compose(components: Sequence[Sequence[Any]]) -> Recipe:
    """Return the recipe of a list of [name, arguments], with the arguments' defaults filled in.

    The words are expected to have passed `lucidna.training.recipes.names.check_recipe`.
    """
    from lucidna.training.recipes.recipe import Recipe

    classes = registry()
    return Recipe([classes[name](**{**COMPONENTS[name], **arguments}) for name, arguments in components])
