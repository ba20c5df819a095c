"""A surrogate of the network around each sequence: additive over positions, behind one fitted nonlinearity."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lucidna.attribution.nulls import codes_of, sequence_keys
from lucidna.attribution.output import frozen_arguments
from lucidna.sequence import one_hot

HELD_OUT = 5
"""Every so-many-th mutant is kept from the fit, and judges it."""
RIDGE = 1.0
"""Weight of the squared effects against the squared errors of all mutants together, in standard deviations."""
STEPS = 10
"""Sigmoid steps of the nonlinearity."""
_ITERATIONS = 300


class SurrogateMaps(NamedTuple):
    """What `surrogate` returns.

    Attributes
    ----------
    maps : array
        Hypothetical contributions, float32 (N, 4, L), in units of the output.
    explained : array
        float32 (N,), share of the variance of the held-out mutants' outputs that the surrogate explains; at
        most 1, below 0 where it is worse than their mean, NaN where the network's output does not vary.
    """

    maps: np.ndarray
    explained: np.ndarray


def surrogate(
    model: nn.Module,
    onehot: Tensor | np.ndarray,
    *,
    mutants: int = 10_000,
    rate: float = 0.1,
    seed: int = 0,
    batch_size: int = 64,
    device: str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> SurrogateMaps:
    """Return the additive effects of a model fitted to the network's outputs on mutants of each sequence.

    The idea of SQUID (Seitz et al., Nature Machine Intelligence 6:701, 2024), in torch: around each sequence
    a library in which every known base is replaced with probability `rate` by one of the other three; a
    surrogate ``y = g(phi)``, ``phi = sum of theta[base, position] over the mutated positions``, with g rising
    (a line plus `STEPS` sigmoid steps), fitted by L-BFGS on the squared error with a ridge on theta. The map
    is theta times the mean slope of g over the library, less its mean over the four bases, as for
    mutagenesis. Interactions average out into theta, and what saturates the network into g.

    Parameters
    ----------
    model : nn.Module
        Network with output (N, 1), e.g. `ScalarOutput`.
    onehot : Tensor or array
        One-hot sequences of any number type, (N, 4, L); N bases are zero columns and get no effect.
    mutants : int
        Sequences of the library, and forward passes, per sequence; a few times the 3 L effects are needed.
    rate : float
        Share of positions mutated, between 0 and 1.
    seed : int
        A sequence's library follows from it and the sequence alone.
    batch_size : int
        Mutants per pass.
    device : str
        Where the network runs; it is moved there. The fit runs on the CPU.
    progress : callable, optional
        Called with the number of sequences done so far.

    Returns
    -------
    SurrogateMaps
        Maps, and how well the surrogate predicts mutants that it has not seen.
    """
    onehot = torch.as_tensor(onehot).cpu()
    model.to(device).eval()
    frozen = frozen_arguments(model, onehot, batch_size=batch_size, device=device)
    codes = codes_of(onehot.numpy())
    maps = np.zeros(tuple(onehot.shape), dtype=np.float32)
    explained = np.full(len(onehot), np.nan, dtype=np.float32)
    for row, key in enumerate(sequence_keys(codes, purpose="surrogate")):
        library = mutant_library(codes[row], mutants, rate=rate, rng=np.random.default_rng([seed, int(key)]))
        weights = [part[row : row + 1].to(device) for part in frozen]
        outputs = _outputs(model, library, weights, batch_size=batch_size, device=device)
        theta, explained[row] = fit_additive(library, codes[row], outputs)
        maps[row] = (theta - theta.mean(axis=0)) * (codes[row] < 4)
        if progress is not None:
            progress(row + 1)
    return SurrogateMaps(maps, explained)


def mutant_library(codes: np.ndarray, n: int, *, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Return uint8 (n, L): the sequence, then mutants with every known base replaced with probability `rate`."""
    change = rng.integers(1, 4, size=(n, len(codes)), dtype=np.uint8)
    change *= (rng.random((n, len(codes)), dtype=np.float32) < rate) & (codes < 4)
    change[0] = 0
    return np.where(codes < 4, (codes + change) % 4, codes).astype(np.uint8)


def fit_additive(library: np.ndarray, codes: np.ndarray, outputs: np.ndarray) -> tuple[np.ndarray, float]:
    """Fit ``y = g(sum of theta over the mutated positions)`` to a library.

    Parameters
    ----------
    library : array
        uint8 (n, L).
    codes : array
        uint8 (L,), the sequence that effects are relative to.
    outputs : array
        (n,).

    Returns
    -------
    theta : array
        float32 (4, L), in units of the outputs: the effect of each base instead of the sequence's own, at the
        mean slope of g; 0 for its own.
    explained : float
        Share of the variance of the held-out outputs that is explained; NaN where they do not vary, and then
        theta is 0.
    """
    length = len(codes)
    scale = float(outputs.std())
    if not scale > 1e-7 * max(1.0, float(np.abs(outputs).max())):
        return np.zeros((4, length), dtype=np.float32), float("nan")
    y = torch.from_numpy((outputs - outputs.mean()) / scale).float()
    held = torch.arange(len(y)) % HELD_OUT == HELD_OUT - 1
    train, test = _mutations(library[~held.numpy()], codes), _mutations(library[held.numpy()], codes)
    back = _mutations(library[~held.numpy()], codes, transposed=True)
    theta = torch.zeros(4 * length)
    shape = _Nonlinearity()
    with torch.enable_grad():
        for parts in ([theta], [theta, *shape.parameters()]):
            _minimise(parts, theta, shape, train, back, y[~held])
    with torch.no_grad():
        error = (shape(test @ theta) - y[held]).square().mean()
        explained = 1 - float(error / y[held].var(correction=0))
        phi = (train @ theta).double().requires_grad_()
    with torch.enable_grad():
        slope = torch.autograd.grad(shape.double()(phi).sum(), phi)[0].mean()
    return (theta.reshape(4, length) * float(slope) * scale).numpy(), explained


class _Nonlinearity(nn.Module):
    """A rising function: a line and sigmoid steps at fixed places, all with weights above zero."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(()))
        # softplus(0.5413) is 1: the fit starts from the identity, with steps of next to no height.
        self.line = nn.Parameter(torch.tensor(0.5413))
        self.heights = nn.Parameter(torch.full((STEPS,), -4.0))
        self.register_buffer("places", torch.linspace(-3, 3, STEPS))

    def forward(self, phi: Tensor) -> Tensor:
        steps = torch.sigmoid(2 * (phi[:, None] - self.places)) @ functional.softplus(self.heights)
        return self.offset + functional.softplus(self.line) * phi + steps


def _minimise(
    parts: list[Tensor], theta: Tensor, shape: _Nonlinearity, design: Tensor, back: Tensor, y: Tensor
) -> None:
    """Fit the given parameters in place; the gradient of theta is taken by hand, since the design is sparse."""
    optimiser = torch.optim.LBFGS(parts, max_iter=_ITERATIONS, history_size=20, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        phi = (design @ theta).requires_grad_()
        shape.zero_grad()
        error = (shape(phi) - y).square().sum()
        error.backward()
        theta.grad = back @ phi.grad + 2 * RIDGE * theta
        return error.detach() + RIDGE * theta.square().sum()

    optimiser.step(closure)


def _mutations(library: np.ndarray, codes: np.ndarray, *, transposed: bool = False) -> Tensor:
    """Return the sparse design, float32 (n, 4 L): 1 where a mutant has another base than the sequence."""
    rows, columns = np.nonzero(library != codes)
    index = np.stack([rows, library[rows, columns].astype(np.int64) * len(codes) + columns])
    size = (len(library), 4 * len(codes))
    if transposed:
        index, size = index[::-1].copy(), size[::-1]
    with warnings.catch_warnings():
        # torch calls this format, whose products are three times as fast as the other's, a beta.
        warnings.filterwarnings("ignore", message="Sparse", category=UserWarning)
        coordinates = torch.sparse_coo_tensor(torch.from_numpy(index), torch.ones(len(rows)), size)
        return coordinates.coalesce().to_sparse_csr()


def _outputs(
    model: nn.Module, library: np.ndarray, weights: list[Tensor], *, batch_size: int, device: str
) -> np.ndarray:
    """Return the network's outputs on a library, float64 (n,)."""
    found = []
    with torch.no_grad():
        for batch in torch.from_numpy(library).split(batch_size):
            fixed = [part.expand(len(batch), -1) for part in weights]
            found.append(model(one_hot(batch.to(device)), *fixed)[:, 0].double().cpu())
    return torch.cat(found).numpy()
