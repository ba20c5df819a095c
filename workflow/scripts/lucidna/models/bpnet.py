"""BPNet: dilated residual convolutions, a base-resolution profile and a total count."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lucidna.models.layers import BATCH_NORM_EPSILON, Dropout, NarrowConv1d, ScalarHead, activation


class BPNet(nn.Module):
    """BPNet (Avsec et al., Nat Genet 53:354, 2021), for any window.

    Convolutions keep the length and pad with zeros; the profile head reads the features of the output window
    and half a kernel on each side. Controls enter the two heads only, so that attributions to the sequence do
    not pass through them: the log1p control per base beside the profile (a profile logit is a log rate), and
    the log1p total of each control beside the features of the counts. For the targets "binary" and "counts"
    there is only the scalar head. Batch normalisation precedes the first activation when that is exponential,
    and is absent otherwise, as published.

    Parameters are those of `lucidna.models.build` and of `lucidna.models.names.ARCHITECTURES`.
    """

    def __init__(
        self,
        *,
        input_length: int,
        output_length: int,
        target: str,
        n_tasks: int,
        channels: Sequence[Sequence[int]],
        n_controls: int,
        first_activation: str,
        dropout: float | None,
        n_filters: int,
        n_layers: int,
        first_kernel: int,
        profile_kernel: int,
    ) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, n_filters, first_kernel, padding="same")
        exponential = first_activation == "exponential"
        self.first_norm = nn.BatchNorm1d(n_filters, eps=BATCH_NORM_EPSILON) if exponential else nn.Identity()
        self.first_activation = activation(first_activation)
        self.layers = nn.ModuleList(
            _DilatedLayer(n_filters, dilation=2**layer, dropout=dropout or 0.0) for layer in range(1, n_layers + 1)
        )
        self.count_head = ScalarHead(n_filters, n_tasks, n_controls=n_controls)
        self.profile_head = (
            _ProfileHead(
                n_filters,
                sum(len(task) for task in channels),
                kernel=profile_kernel,
                input_length=input_length,
                output_length=output_length,
                n_controls=n_controls,
            )
            if target == "profile"
            else None
        )

    def forward(self, x: Tensor, control: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Map one-hot (N, 4, L) to (N, T), or for profiles to logits (N, C, L_out) and log counts (N, T)."""
        features = self.first_activation(self.first_norm(self.first(x)))
        for layer in self.layers:
            features = features + layer(features)
        counts = self.count_head(features.mean(dim=-1), control)
        if self.profile_head is None:
            return counts
        return self.profile_head(features, control), counts


class _DilatedLayer(nn.Module):
    """Dilated convolution of 3 taps - ReLU - dropout; (N, F, L) to (N, F, L)."""

    def __init__(self, n_filters: int, *, dilation: int, dropout: float) -> None:
        super().__init__()
        self.conv = nn.Conv1d(n_filters, n_filters, 3, padding=dilation, dilation=dilation)
        self.activation = nn.ReLU()
        self.dropout = Dropout(dropout) if dropout else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        return self.dropout(self.activation(self.conv(features)))


class _ProfileHead(nn.Module):
    """Wide convolution over the output window, then a mixture with the controls base by base."""

    def __init__(
        self,
        n_filters: int,
        n_channels: int,
        *,
        kernel: int,
        input_length: int,
        output_length: int,
        n_controls: int,
    ) -> None:
        super().__init__()
        # Both windows are centred on the summit as [summit - length // 2, ...), which fixes the offset of one
        # in the other for odd lengths too.
        offset = input_length // 2 - output_length // 2
        left, right = (kernel - 1) // 2, kernel // 2
        self.start = max(0, offset - left)
        self.stop = min(input_length, offset + output_length + right)
        self.padding = (self.start - (offset - left), offset + output_length + right - self.stop)
        self.shape = (n_controls, output_length)
        self.conv = NarrowConv1d(n_filters, n_channels, kernel)
        self.mixture = nn.Conv1d(n_channels + n_controls, n_channels, 1) if n_controls else None

    def forward(self, features: Tensor, control: Tensor | None) -> Tensor:
        window = nn.functional.pad(features[..., self.start : self.stop], self.padding)
        logits = self.conv(window)
        if self.mixture is None:
            return logits
        if control is None:
            control = features.new_zeros(len(features), *self.shape)
        return self.mixture(torch.cat([logits, torch.log1p(control).to(logits.dtype)], dim=1))
