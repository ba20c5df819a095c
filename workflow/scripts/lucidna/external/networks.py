"""A network from elsewhere with the inputs and outputs of a trained candidate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lucidna.errors import UserError


class Logit(nn.Module):
    """Probability to logit, of any shape; a module of its own, so that DeepSHAP has a rule for it."""

    LIMIT = 1e-7

    def forward(self, probability: Tensor) -> Tensor:
        """Return log(p / (1 - p)), p kept 1e-7 away from 0 and 1."""
        return torch.logit(probability.clamp(self.LIMIT, 1 - self.LIMIT))


class LogCounts(nn.Module):
    """Counts to log(1 + counts), of any shape; negative counts are read as zero."""

    def forward(self, counts: Tensor) -> Tensor:
        """Return log(1 + counts)."""
        return torch.log1p(counts.clamp(min=0))


class ExternalNetwork(nn.Module):
    """A network from elsewhere, called as one of the grid is.

    Parameters
    ----------
    network : nn.Module
        Its forward takes one tensor of one-hot sequences.
    settings : mapping
        "input" (layout "NCL" or "NLC", bases in the network's order, length in bp or None for the whole window)
        and "output" (scale, scalar, columns, profile), as in the config's `external`.
    dataset : mapping
        target, input_length, output_length (bp), n_tasks, and channels: for each task its rows among the profile
        channels.
    name : str
        For messages.

    Notes
    -----
    A network shorter than the window reads its centre, ``[L // 2 - length // 2, + length)``, the same bases that a
    window of that length around the region's centre has.
    """

    def __init__(self, network: nn.Module, settings: Mapping[str, Any], dataset: Mapping[str, Any], *, name: str):
        super().__init__()
        self.network = network
        self.name = name
        self.input, self.output = dict(settings["input"]), dict(settings["output"])
        self.dataset = dict(dataset)
        self.build_arguments = {"name": "external", "channels": [list(task) for task in dataset["channels"]]}
        self.register_buffer("order", torch.tensor(["ACGT".index(base) for base in self.input["bases"]]), False)
        self.to_log = {"probability": Logit, "counts": LogCounts}.get(self.output["scale"], nn.Identity)()
        length = self.input["length"] or dataset["input_length"]
        if length > dataset["input_length"]:
            raise UserError(
                f"external network '{name}' takes {length} bp and the windows have {dataset['input_length']} bp: raise "
                "window.input"
            )
        self.start = dataset["input_length"] // 2 - length // 2
        self.length = length

    def forward(self, x: Tensor, control: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Map one-hot (N, 4, L) to (N, T), or for profiles to logits (N, C, L_out) and log counts (N, T).

        `control` is not handed on: what a network from elsewhere does with one is not known.
        """
        x = x[:, :, self.start : self.start + self.length]
        x = x.index_select(1, self.order)
        if self.input["layout"] == "NLC":
            x = x.transpose(1, 2)
        found = self.network(x)
        scalar = self._scalar(self._select(found, "scalar"), len(x))
        if self.dataset["target"] != "profile":
            return scalar
        return self._profile(self._select(found, "profile"), len(x)), scalar

    def _select(self, found: Any, key: str) -> Tensor:
        """Take the tensor that output.scalar or output.profile names from what the network returned."""
        which = self.output[key]
        where = f"external network '{self.name}'"
        if isinstance(found, Tensor):
            # A single output has no place to name; 0 is what one would write.
            if which in (None, 0):
                return found
            raise UserError(f"{where} returns one tensor, and output.{key} is {which!r}: leave it out")
        names = list(found) if isinstance(found, Mapping) else list(range(len(found)))
        if which not in names:
            raise UserError(
                f"{where} returns {len(names)} outputs and output.{key} is {which!r}: choose one of "
                f"{', '.join(map(str, names))}"
            )
        chosen = found[which]
        if not isinstance(chosen, Tensor):
            raise UserError(f"{where}: output.{key} {which!r} is no tensor but {type(chosen).__name__}: choose another")
        return chosen

    def _scalar(self, values: Tensor, n: int) -> Tensor:
        n_tasks, columns = self.dataset["n_tasks"], self.output["columns"]
        where = f"external network '{self.name}'"
        if len(values) != n:
            raise UserError(f"{where} returns {len(values)} rows for {n} sequences: check input.layout")
        values = values.reshape(n, -1)
        if columns is not None:
            if max(columns) >= values.shape[1]:
                raise UserError(f"{where} has {values.shape[1]} values and output.columns names {max(columns)}")
            values = values[:, list(columns)]
        if values.shape[1] != n_tasks:
            raise UserError(
                f"{where} gives {values.shape[1]} values per sequence for {n_tasks} "
                f"{'task' if n_tasks == 1 else 'tasks'}: choose with output.scalar and output.columns"
            )
        return self.to_log(values)

    def _profile(self, logits: Tensor, n: int) -> Tensor:
        channels = sum(len(task) for task in self.dataset["channels"])
        if logits.ndim == 2:
            logits = logits[:, None]
        expected = (n, channels, self.dataset["output_length"])
        # Keras' way: positions before channels.
        if logits.shape != expected and logits.shape == (n, expected[2], channels):
            logits = logits.transpose(1, 2)
        if logits.shape != expected:
            raise UserError(
                f"external network '{self.name}' gives profiles of shape {tuple(logits.shape[1:])}, the data have "
                f"{channels} channels of {expected[2]} bp: set window.output to the network's, and check output.profile"
            )
        return logits


def check_network(model: ExternalNetwork, onehot: Tensor) -> None:
    """Try a network on a few sequences, so that a mistake is one sentence now and not a failure later.

    Parameters
    ----------
    model : ExternalNetwork
        On the CPU.
    onehot : Tensor
        float32 (n, 4, L), n >= 2.

    Raises
    ------
    UserError
        It cannot run on them, or on another number of them; values that are not finite, change from pass to pass,
        or have no gradient.
    """
    where = f"external network '{model.name}'"
    model.eval()
    x = onehot.clone().requires_grad_()
    try:
        with torch.enable_grad():
            first = model(x)
        with torch.no_grad():
            again, one = model(onehot), model(onehot[:1])
    except UserError:
        raise
    except Exception as error:  # foreign code can fail in any way
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"{where} does not run on {len(onehot)} and on 1 sequences of {model.length} bp as "
            f"{model.input['layout']} ({reason}): check input.layout and input.length, and export programs with a "
            "dynamic batch dimension"
        ) from error
    first, again, one = (list(out) if isinstance(out, tuple) else [out] for out in (first, again, one))
    if not all(torch.isfinite(out).all() for out in first):
        raise UserError(f"{where} gives NaN or infinite values: check its weights and input.layout")
    if not all(torch.equal(a.detach(), b) for a, b in zip(first, again, strict=True)):
        raise UserError(f"{where} gives other values at each pass: save it in evaluation mode, without dropout")
    scale = max(float(out.detach().abs().max()) for out in first)
    if not all(torch.allclose(a[:1], b, atol=1e-3 * scale + 1e-6) for a, b in zip(again, one, strict=True)):
        raise UserError(f"{where} gives a sequence other values alone than among others: save it in evaluation mode")
    total = sum(out.sum() for out in first)
    gradient = torch.autograd.grad(total, x, allow_unused=True)[0] if total.requires_grad else None
    if gradient is None or not (gradient != 0).any():
        raise UserError(
            f"{where} has no gradient with respect to the sequence, and maps need one: save it without no_grad, "
            "or bring its maps as kind maps"
        )
