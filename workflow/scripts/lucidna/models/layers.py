"""Building blocks shared by the architectures.

DeepLIFT's rules are attached to modules, so every non-linearity is a module of its own, made in `__init__`
and used exactly once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

# exp(10) = 22026 still fits in float16 (largest 65504), and lies beyond what a trained filter gives after
# batch normalisation.
EXPONENTIAL_LIMIT = 10.0

# Keras's value, with which the networks of METHODS were published; it also steadies dead filters.
BATCH_NORM_EPSILON = 1e-3


class Exponential(nn.Module):
    """exp(x), continued above `EXPONENTIAL_LIMIT` by its tangent: neither value nor gradient overflows.

    For the first layer only, after batch normalisation (Koo and Ploenzke, Nat Mach Intell 3:258, 2021).
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map any tensor element by element."""
        if x.dtype in (torch.float16, torch.bfloat16):
            # Three digits are too few for the sum, and float16 ends at a multiple of 3 of exp(10).
            return self(x.float()).clamp(max=torch.finfo(x.dtype).max).to(x.dtype)
        return _TangentExp.apply(x)


class _TangentExp(torch.autograd.Function):
    """exp with its tangent above the limit: written out, its gradient is right at the limit itself and costs less."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        excess = torch.relu_(x - EXPONENTIAL_LIMIT)
        return torch.exp(x.clamp(max=EXPONENTIAL_LIMIT)).mul_(excess.add_(1))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        # Made of differentiable operations, for penalties on gradients.
        (x,) = ctx.saved_tensors
        return gradient * torch.exp(x.clamp(max=EXPONENTIAL_LIMIT))


class Dropout(nn.Dropout):
    """Dropout that draws its mask on the CPU four times faster: 16 random bits per element.

    The rate is kept to within 1 / 65536. A quarter of the training time of a small network goes into the
    Bernoulli draws of torch's own.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Zero a share `p` of the elements in training and scale up the others."""
        if not self.training or self.p == 0:
            return x
        if x.device.type != "cpu":
            return super().forward(x)
        bits = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
        bits = bits.view(torch.int16)[: x.numel()].view(x.shape)
        kept = bits >= round(self.p * 65536) - 32768
        return x * kept.to(x.dtype).mul_(1 / (1 - self.p))


class NarrowConv1d(nn.Conv1d):
    """Convolution with few output channels, without padding, that the CPU does several times as fast.

    torch's kernels for the CPU fill their vectors with output channels, and with two most of the work is
    idle. Here groups of neighbouring positions are the channels of one wider convolution whose filters are
    the given ones, shifted; the sums are the same up to rounding.
    """

    # As many output channels fill a vector.
    _FULL = 16

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, L) to (N, F, L - kernel + 1)."""
        group = self._FULL // self.out_channels
        if group < 2 or x.device.type != "cpu":
            return super().forward(x)
        kernel = self.kernel_size[0]
        length = x.shape[-1] - kernel + 1
        n_groups = -(-length // group)
        shifted = [nn.functional.pad(self.weight, (shift, group - 1 - shift)) for shift in range(group)]
        filters = torch.stack(shifted, dim=1).flatten(0, 1)
        bias = None if self.bias is None else self.bias.repeat_interleave(group)
        x = nn.functional.pad(x, (0, n_groups * group - length))
        sums = nn.functional.conv1d(x, filters, bias, stride=group)
        sums = sums.unflatten(1, (self.out_channels, group)).transpose(2, 3).flatten(2)
        return sums[..., :length]


def activation(name: str) -> nn.Module:
    """Return a new module for "relu" or "exponential"."""
    return {"relu": nn.ReLU, "exponential": Exponential}[name]()


class ConvBlock(nn.Module):
    """Convolution (same length) - batch norm - activation - dropout - max pool.

    Parameters
    ----------
    n_in, n_out, kernel : int
        Channels in, filters out, kernel width in bp.
    pool : int
        Width and stride of the max pool; 1 leaves it out. A rest at the right end is dropped.
    dropout : float
        Rate; 0 leaves the layer out.
    activation_name : str
        "relu" or "exponential".
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        kernel: int,
        pool: int = 1,
        dropout: float = 0.0,
        activation_name: str = "relu",
    ) -> None:
        super().__init__()
        self.conv = nn.Conv1d(n_in, n_out, kernel, padding="same")
        self.norm = nn.BatchNorm1d(n_out, eps=BATCH_NORM_EPSILON)
        self.activation = activation(activation_name)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.pool = nn.MaxPool1d(pool) if pool > 1 else nn.Identity()
        he_normal(self.conv)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, L) to (N, F, L // pool)."""
        return self.pool(self.dropout(self.activation(self.norm(self.conv(x)))))


class DenseBlock(nn.Module):
    """Linear - batch norm - ReLU - dropout; (N, n_in) to (N, n_out)."""

    def __init__(self, n_in: int, n_out: int, *, dropout: float) -> None:
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)
        self.norm = nn.BatchNorm1d(n_out, eps=BATCH_NORM_EPSILON)
        self.activation = nn.ReLU()
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        he_normal(self.linear)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, n_in) to (N, n_out)."""
        return self.dropout(self.activation(self.norm(self.linear(x))))


class ScalarHead(nn.Module):
    """One number per task from the features and the log1p total of each control, where there are any.

    After `add_log_variance` the linear layer has a second number per task, which the output leaves out.
    """

    def __init__(self, n_in: int, n_tasks: int, *, n_controls: int) -> None:
        super().__init__()
        self.n_tasks, self.n_controls, self.log_variance = n_tasks, n_controls, False
        self.linear = nn.Linear(n_in + n_controls, n_tasks)

    def add_log_variance(self) -> None:
        """Replace the linear layer by a fresh one of 2 T outputs: T predictions, then T log-variances."""
        self.log_variance = True
        self.linear = nn.Linear(self.linear.in_features, 2 * self.n_tasks)

    def forward(self, features: Tensor, control: Tensor | None = None) -> Tensor:
        """Map (N, n_in), and controls (N, K, L_out) or None for zeros, to (N, T)."""
        if self.n_controls:
            if control is None:
                totals = features.new_zeros(len(features), self.n_controls)
            else:
                totals = torch.log1p(control.sum(dim=-1)).to(features.dtype)
            features = torch.cat([features, totals], dim=1)
        output = self.linear(features)
        return output[:, : self.n_tasks] if self.log_variance else output


def dropout_rates(own: Sequence[float], n_layers: int, override: float | None) -> list[float]:
    """Return one rate per layer: the architecture's own (the last repeated), or `override` everywhere."""
    if override is not None:
        return [float(override)] * n_layers
    return [own[min(layer, len(own) - 1)] for layer in range(n_layers)]


def he_normal(layer: nn.Conv1d | nn.Linear) -> None:
    """Draw the weights from N(0, 2 / fan_in) and set the bias to zero (He et al., ICCV 2015)."""
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)


def start_at(model: nn.Module, values: np.ndarray) -> None:
    """Set the bias of the scalar head, so that an untrained network predicts about `values` (T,)."""
    for module in model.modules():
        if isinstance(module, ScalarHead):
            with torch.no_grad():
                module.linear.bias[: module.n_tasks] = torch.as_tensor(values).to(module.linear.bias)
