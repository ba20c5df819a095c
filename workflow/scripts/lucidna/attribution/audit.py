"""Whether DeepSHAP's contributions can be trusted: the convergence gate, and what in a network breaks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from lucidna.attribution.deepshap import deepshap
from lucidna.attribution.rules import ruled_classes
from lucidna.errors import UserError

_NAMES = """
    abs amax amin atan celu clamp clamp_max clamp_min cos elu erf exp exp2 expm1 gelu glu hardsigmoid
    hardswish hardtanh leaky_relu log log10 log1p log2 log_sigmoid_forward _log_softmax logsumexp max
    max_pool2d_with_indices max_pool3d_with_indices maximum min minimum mish native_group_norm
    native_layer_norm pow prelu reciprocal relu rrelu_with_noise rsqrt selu sigmoid silu sin softplus
    softshrink _softmax sort sqrt tanh threshold topk
"""
NONLINEAR_OPERATIONS = frozenset(_NAMES.split())
"""Operations of torch (aten names) whose output is not a linear function of one input."""

PRODUCTS = frozenset(["addcmul", "addmm", "baddbmm", "bmm", "convolution", "div", "dot", "mm", "mul", "mv"])
"""Operations that are non-linear when both operands depend on the sequence."""

MIN_SCALE = 1e-2
"""Smaller differences from the references are judged as if they were this large: rounding alone is 1e-6."""


def check_convergence(
    delta: np.ndarray,
    *,
    max_delta: float,
    scale: float = 1.0,
    missing: Sequence[str] = (),
    label: str = "deepshap",
) -> None:
    """Refuse contributions that do not sum to the difference from their references.

    Parameters
    ----------
    delta : array
        (N,) convergence deltas, in units of the output; a NaN counts as a violation.
    max_delta : float
        Largest delta allowed, relative to `scale`.
    scale : float
        Typical size of the difference that the contributions explain; 1 makes `max_delta` absolute.
    missing : sequence of str
        Operations without a rule, from `audit_model`, for the message.
    label : str
        What the maps belong to, for the message.

    Raises
    ------
    UserError
        When any sequence exceeds the limit, with the share of sequences, the worst delta and the operations
        that DeepLIFT has no rule for.
    """
    delta = np.asarray(delta, dtype=np.float64)
    limit = max_delta * max(float(scale), MIN_SCALE)
    wrong = ~(delta <= limit)
    if not wrong.any():
        return
    worst = delta[wrong].max() if np.isfinite(delta[wrong]).all() else np.nan
    cause = f"operations without a DeepLIFT rule: {', '.join(missing)}" if missing else "no operation lacks a rule"
    raise UserError(
        f"{label}: the contributions of {wrong.mean():.1%} of the sequences ({wrong.sum()} of {len(delta)}) "
        f"do not sum to the difference from their references: worst delta {worst:.3g}, allowed {limit:.3g} "
        f"({cause}); make each non-linearity a torch.nn module of its own, use the methods ism or saliency "
        f"for this network, or raise attribution.methods.deepshap.max_delta"
    )


def audit_model(model: nn.Module, onehot: Tensor | np.ndarray, *, seed: int = 0) -> dict[str, Any]:
    """Report what DeepSHAP makes of a network: rules, operations without one, and the resulting delta.

    Parameters
    ----------
    model : nn.Module
        Network with output (N, 1), e.g. `ScalarOutput`; it is left on the CPU in evaluation mode.
    onehot : Tensor or array
        A few example sequences, (n, 4, L).
    seed : int
        Of the references.

    Returns
    -------
    dict
        ``modules``: class name -> number of modules; ``ruled``: the class names with a DeepLIFT rule;
        ``missing``: non-linear operations outside of a module with a rule, as "operation in Class (name)",
        which would be treated as linear; ``reused``: names of modules with a rule called more than once per
        pass (which is sound with tangermeme 1.6, and was not before); ``delta``: largest convergence delta;
        ``relative_delta``: the same over the mean difference explained.
    """
    onehot = torch.as_tensor(onehot).float()
    ruled = ruled_classes(model)
    missing, calls = _trace(model, onehot[:1], ruled)
    result = deepshap(model, onehot, shuffles=4, seed=seed)
    kinds = Counter(type(module).__name__ for module in model.modules())
    return {
        "modules": dict(sorted(kinds.items())),
        "ruled": sorted({kind.__name__ for kind in ruled} & set(kinds)),
        "missing": missing,
        "reused": sorted(name for name, count in calls.items() if count > 1),
        "delta": float(result.delta.max()),
        "relative_delta": float(result.delta.max() / max(result.difference.mean(), MIN_SCALE)),
    }


def missing_rules(model: nn.Module, onehot: Tensor | np.ndarray) -> list[str]:
    """Return the non-linear operations of a network that DeepSHAP takes for linear (see `audit_model`)."""
    return _trace(model, torch.as_tensor(onehot[:1]).float(), ruled_classes(model))[0]


def _trace(model: nn.Module, onehot: Tensor, ruled: Collection[type]) -> tuple[list[str], Counter]:
    """Return the non-linear operations outside of `ruled` modules, and the calls of each ruled module."""
    model.cpu().eval()
    stack: list[tuple[str, nn.Module]] = []
    calls: Counter = Counter()
    missing: dict[str, None] = {}

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            name = func.overloadpacket.__name__.removesuffix("_")
            operands = sum(isinstance(a, Tensor) and a.requires_grad for a in args)
            nonlinear = (name in NONLINEAR_OPERATIONS and operands >= 1) or (name in PRODUCTS and operands >= 2)
            nonlinear = nonlinear or (name.startswith("_scaled_dot_product") and operands >= 1)
            if nonlinear and not any(type(module) in ruled for _, module in stack):
                where, module = stack[-1]
                missing[f"{name} in {type(module).__name__}" + (f" ({where})" if where else "")] = None
            return func(*args, **(kwargs or {}))

    def enter(name):
        def hook(module, _):
            stack.append((name, module))
            if type(module) in ruled:
                calls[name] += 1

        return hook

    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    with ExitStack() as undo:
        for name, module in model.named_modules():
            undo.callback(module.register_forward_pre_hook(enter(name)).remove)
            undo.callback(module.register_forward_hook(lambda *_: stack.pop() and None).remove)
        # With the weights out of the graph, a tensor requires a gradient only if it depends on the sequence.
        for parameter in trainable:
            undo.callback(parameter.requires_grad_, True)
            parameter.requires_grad_(False)
        with torch.enable_grad(), Watch():
            model(onehot.clone().requires_grad_())
    return list(missing), calls
