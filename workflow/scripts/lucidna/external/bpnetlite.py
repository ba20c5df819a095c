"""The BPNet of bpnet-lite, so that networks trained with that package can be read."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor, nn

from lucidna.errors import UserError
from lucidna.external.checkpoint import read_pickled_module
from lucidna.external.weights import fit_weights


class BPNetLite(nn.Module):
    """Profile and total count from sequence, with the parameter names and the windows of bpnet-lite.

    It differs from `lucidna.models.bpnet.BPNet` in its windows: bases are trimmed from both ends to get the output
    window, and the counts read the mean of the features of the output window and 37 bp on each side.
    A control is read as zeros (maps explain the sequence).

    Parameters
    ----------
    n_filters, n_layers, n_outputs, n_control_tracks : int
        As in bpnet-lite.
    trimming : int
        bp between each end of the input and the output window.
    profile_bias, count_bias : bool
        Whether the two heads have a bias.
    """

    MARGIN = 37
    """Half of the profile kernel, bp."""

    def __init__(
        self,
        *,
        n_filters: int,
        n_layers: int,
        n_outputs: int,
        n_control_tracks: int,
        trimming: int,
        profile_bias: bool,
        count_bias: bool,
    ):
        super().__init__()
        self.trimming, self.n_control_tracks = trimming, n_control_tracks
        self.iconv = nn.Conv1d(4, n_filters, 21, padding=10)
        self.irelu = nn.ReLU()
        self.rconvs = nn.ModuleList(
            nn.Conv1d(n_filters, n_filters, 3, padding=2**layer, dilation=2**layer) for layer in range(1, n_layers + 1)
        )
        self.rrelus = nn.ModuleList(nn.ReLU() for _ in range(n_layers))
        width = 2 * self.MARGIN + 1
        self.fconv = nn.Conv1d(n_filters + n_control_tracks, n_outputs, width, padding=self.MARGIN, bias=profile_bias)
        self.linear = nn.Linear(n_filters + (n_control_tracks > 0), 1, bias=count_bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map one-hot (N, 4, L) to profile logits (N, C, L - 2 trimming) and log counts (N, 1)."""
        start, end = self.trimming, x.shape[-1] - self.trimming
        if end - start < 1:
            raise UserError(
                f"the BPNet trims {self.trimming} bp from each end, and sequences of {x.shape[-1]} bp have none left: "
                f"raise window.input above {2 * self.trimming}"
            )
        features = self.irelu(self.iconv(x))
        for conv, relu in zip(self.rconvs, self.rrelus, strict=True):
            features = features + relu(conv(features))
        wide = features
        if self.n_control_tracks:
            wide = torch.cat([features, features.new_zeros(len(x), self.n_control_tracks, x.shape[-1])], dim=1)
        profile = self.fconv(wide)[..., start:end]
        pooled = features[..., max(0, start - self.MARGIN) : end + self.MARGIN].mean(dim=-1)
        if self.n_control_tracks:
            pooled = torch.cat([pooled, pooled.new_zeros(len(x), 1)], dim=1)
        return profile, self.linear(pooled)


def read_bpnetlite(path: str | Path) -> BPNetLite:
    """Rebuild a BPNet from bpnet-lite's checkpoint (a pickled module), without running its pickle.

    Parameters
    ----------
    path : path
        What ``torch.save(model)`` wrote.

    Returns
    -------
    BPNetLite
        On the CPU, in evaluation mode.

    Raises
    ------
    UserError
        The pickle holds code, or no BPNet.
    """
    kind, settings, weights = read_pickled_module(path)
    return build_bpnetlite(settings, weights, f"{path} ({kind})")


def build_bpnetlite(settings: dict, weights: dict[str, Tensor], where: str) -> BPNetLite:
    """Build the network that weights with bpnet-lite's names are of, and load them.

    Parameters
    ----------
    settings : dict
        `trimming` at least; the sizes are those of the weights.
    weights : dict
        Parameter name -> tensor.
    where : str
        Whose they are, for messages.
    """
    needed = ("iconv.weight", "fconv.weight", "linear.weight")
    missing = [name for name in needed if name not in weights]
    trimming = settings.get("trimming")
    if missing or isinstance(trimming, bool) or not isinstance(trimming, int):
        lacks = missing[0] if missing else "the number 'trimming'"
        raise UserError(f"{where} is no BPNet of bpnet-lite (it has no {lacks}): use kind pytorch for other networks")
    n_filters = len(weights["iconv.weight"])
    model = BPNetLite(
        n_filters=n_filters,
        n_layers=len([name for name in weights if re.fullmatch(r"rconvs\.\d+\.weight", name)]),
        n_outputs=len(weights["fconv.weight"]),
        n_control_tracks=weights["fconv.weight"].shape[1] - n_filters,
        trimming=trimming,
        profile_bias="fconv.bias" in weights,
        count_bias="linear.bias" in weights,
    )
    fit_weights(model, weights, where)
    return model.eval()
