"""What the architectures with one number per task share: convolution blocks, dense blocks, a scalar head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from lucidna.models.layers import ConvBlock, DenseBlock, ScalarHead, dropout_rates


class ScalarCNN(nn.Module):
    """Convolution blocks, dense blocks and a scalar head; the subclasses give the dropout rates.

    Parameters are those of `lucidna.models.build` and of `lucidna.models.names.ARCHITECTURES`; only the first
    block takes `first_activation`. The width of the first dense layer follows from `input_length`.
    """

    # Rates by layer; the last one stands for all further layers.
    conv_dropouts: ClassVar[tuple[float, ...]] = (0.0,)
    dense_dropouts: ClassVar[tuple[float, ...]] = (0.0,)

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
        filters: Sequence[int],
        kernel_sizes: Sequence[int],
        pool_sizes: Sequence[int],
        dense: Sequence[int],
    ) -> None:
        super().__init__()
        conv_rates = dropout_rates(self.conv_dropouts, len(filters), dropout)
        dense_rates = dropout_rates(self.dense_dropouts, len(dense), dropout)
        self.blocks = nn.Sequential(
            *(
                ConvBlock(
                    n_in,
                    n_out,
                    kernel=kernel,
                    pool=pool,
                    dropout=rate,
                    activation_name=first_activation if layer == 0 else "relu",
                )
                for layer, (n_in, n_out, kernel, pool, rate) in enumerate(
                    zip([4, *filters[:-1]], filters, kernel_sizes, pool_sizes, conv_rates, strict=True)
                )
            )
        )
        positions = input_length
        for pool in pool_sizes:
            positions //= pool
        self.flatten = nn.Flatten()
        widths = [filters[-1] * positions, *dense]
        self.dense = nn.Sequential(
            *(
                DenseBlock(n_in, n_out, dropout=rate)
                for n_in, n_out, rate in zip(widths[:-1], widths[1:], dense_rates, strict=True)
            )
        )
        self.head = ScalarHead(widths[-1], n_tasks, n_controls=n_controls)

    def forward(self, x: Tensor, control: Tensor | None = None) -> Tensor:
        """Map one-hot (N, 4, L), and controls (N, K, L_out) or None for zeros, to (N, T)."""
        return self.head(self.dense(self.flatten(self.blocks(x))), control)
