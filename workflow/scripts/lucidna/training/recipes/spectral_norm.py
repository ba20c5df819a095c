"""Spectral normalisation of the convolutions and dense layers."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning import Callback
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize

from lucidna.training.recipes.base import Component, Stage

_KINDS: dict[str, tuple[type[nn.Module], ...]] = {
    "all": (nn.Conv1d, nn.Linear),
    "conv": (nn.Conv1d,),
    "dense": (nn.Linear,),
}


class SpectralNorm(Component):
    """Weights of a fixed spectral norm (Miyato et al., ICLR 2018, arXiv:1802.05957).

    Each layer computes with ``limit * V / sigma(V)``, where V are the weights that are trained and sigma is the
    largest singular value of V as a matrix (outputs, inputs * kernel width), followed by one power iteration per
    call of the layer. Biases and batch normalisation stay free. For a convolution this norm bounds what one
    position makes of its window, not the norm of the whole convolution, which is up to sqrt(kernel width) larger.

    The iteration lags behind the weights. Before each validation the singular vectors are computed exactly, so that
    the norm of what is validated and saved is `limit`. The saved network has the plain architecture with the normalised
    weights.

    Defaults: limit 1 for all layers. Costs two products of each weight matrix with a vector and a division per call,
    nothing per sequence. It hurts where a layer without batch normalisation behind it needs large weights: the
    scalar head of a count model, say; `layers: conv` leaves it out. In front of batch normalisation the scale of the
    weights has no effect on the output, only on the size of the steps.
    """

    name = "spectral_norm"

    def prepare(self, model: nn.Module) -> None:
        """Parametrise the weights of the chosen layers."""
        for layer in self._layers(model):
            parametrizations.spectral_norm(layer, "weight", n_power_iterations=1)
            if self.arguments["limit"] != 1:
                parametrize.register_parametrization(layer, "weight", _Scale(float(self.arguments["limit"])))
        set_exact(model)

    def callbacks(self, stage: Stage) -> list[Callback]:
        """Return the callback that makes the norms exact."""
        return [_Exact()]

    def finish(self, model: nn.Module) -> None:
        """Keep the normalised weights and drop the parametrisation."""
        for layer in self._layers(model):
            # In training mode, reading the weights would make another iteration.
            layer.parametrizations.eval()
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)

    def _layers(self, model: nn.Module) -> list[nn.Module]:
        kinds = _KINDS[self.arguments["layers"]]
        return [module for module in model.modules() if isinstance(module, kinds)]


class _Scale(nn.Module):
    """Multiplies by a constant."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.factor

    def right_inverse(self, weight: Tensor) -> Tensor:
        return weight / self.factor


class _Exact(Callback):
    """Sets the norms before validation; after `on_validation_start`, where averages are put in place."""

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        set_exact(pl_module.model)


@torch.no_grad()
def set_exact(model: nn.Module) -> None:
    """Give every normalised layer of a network its first singular vectors, in place; others are left alone."""
    for layer in model.modules():
        if parametrize.is_parametrized(layer, "weight"):
            chain = layer.parametrizations.weight
            matrix = chain.original.float().flatten(1)
            if not torch.isfinite(matrix).all():
                continue  # has no singular vectors; training stops because of its loss
            # The smaller of the two products: layers have far more inputs than outputs.
            wide = matrix.shape[0] <= matrix.shape[1]
            vector = torch.linalg.eigh(matrix @ matrix.T if wide else matrix.T @ matrix).eigenvectors[:, -1]
            other = nn.functional.normalize(matrix.T @ vector if wide else matrix @ vector, dim=0)
            left, right = (vector, other) if wide else (other, vector)
            chain[0]._u.copy_(left)
            chain[0]._v.copy_(right)
