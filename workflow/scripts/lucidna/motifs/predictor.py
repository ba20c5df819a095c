"""Several networks as one function of variants of sequences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from lucidna.attribution.output import ScalarOutput, fitting_batch
from lucidna.sequence import one_hot


class Networks:
    """Predict variants of sequences by several networks (`ablation.Predict`), and count the predictions made.

    Parameters
    ----------
    models : sequence of nn.Module
    head : {"logit", "counts", "profile"}
    task : int
        Which output.
    batch_size : int
        Sequences per pass, at most.
    device : str
        Where the networks run.

    Attributes
    ----------
    n_predicted : int
        Sequences that went through a network.
    """

    def __init__(self, models: Sequence[nn.Module], *, head: str, task: int, batch_size: int = 64, device: str = "cpu"):
        self.outputs = [ScalarOutput(model, head=head, task=task).to(device).eval() for model in models]
        self.batch_size, self.device = batch_size, device
        self.n_predicted = 0

    def __call__(self, variants: np.ndarray, sequences: np.ndarray) -> np.ndarray:
        """Return float64 (networks, n, k) for codes (n, k, L) of variants of sequences (n, L)."""
        n, k, length = variants.shape
        flat = variants.reshape(n * k, length)
        batch = fitting_batch(self.batch_size, length, self.device)
        found = np.empty((len(self.outputs), n * k))
        with torch.no_grad():
            for number, output in enumerate(self.outputs):
                frozen = self._frozen(output, sequences, batch)
                for start in range(0, n * k, batch):
                    rows = slice(start, min(start + batch, n * k))
                    source = torch.from_numpy(np.arange(rows.start, rows.stop) // k)
                    weights = [tensor[source].to(self.device) for tensor in frozen]
                    found[number, rows] = output(self._one_hot(flat[rows]), *weights)[:, 0].double().cpu().numpy()
        self.n_predicted += found.size
        return found.reshape(len(self.outputs), n, k)

    def _frozen(self, output: ScalarOutput, sequences: np.ndarray, batch: int) -> tuple[torch.Tensor, ...]:
        """Return what stays that of the sequences themselves while they are changed."""
        if output.head != "profile":
            return ()
        parts = [output.frozen(self._one_hot(sequences[i : i + batch])) for i in range(0, len(sequences), batch)]
        return tuple(torch.cat(tensors).cpu() for tensors in zip(*parts, strict=True))

    def _one_hot(self, codes: np.ndarray) -> torch.Tensor:
        return one_hot(torch.from_numpy(np.ascontiguousarray(codes)).to(self.device)).float()
