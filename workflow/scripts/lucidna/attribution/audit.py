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
from torch.utils._pytree import tree_leaves

from lucidna.attribution.deepshap import deepshap
from lucidna.attribution.rules import ruled_classes
from lucidna.errors import UserError

_NAMES = """
    _adaptive_avg_pool2d _adaptive_avg_pool3d _native_batch_norm_legit_no_training _reshape_alias _to_copy
    _unsafe_view add adaptive_avg_pool1d alias as_strided avg_pool1d avg_pool2d avg_pool3d batch_norm broadcast_to cat
    clone constant_pad_nd contiguous copy cumsum diagonal diff dropout expand flip im2col lift_fresh mean movedim
    narrow native_batch_norm native_dropout neg permute reflection_pad1d repeat replication_pad1d reshape roll rot90
    rsub select slice split split_with_sizes squeeze stack sub sum t to trace transpose tril triu unbind unfold
    unsafe_chunk unsafe_split unsqueeze upsample_bicubic2d upsample_bilinear2d upsample_linear1d upsample_nearest1d
    upsample_nearest2d view
"""
LINEAR_OPERATIONS = frozenset(_NAMES.split())
"""Operations of torch (aten names) whose output is linear in its inputs together."""

_NAMES = "detach empty_like full_like new_empty new_full new_ones new_zeros ones_like zeros_like"
CONSTANT = frozenset(_NAMES.split())
"""Operations that take no more than the shape of their input, or declare that it is held fixed."""

_NAMES = """
    _convolution addbmm addcmul addmm addmv addr baddbmm bmm convolution dot linear matmul mkldnn_convolution mm mul mv
"""
PRODUCTS = frozenset(_NAMES.split())
"""Operations that are linear as long as one operand alone depends on the sequence."""

FIXED = {"div": 1, "gather": 2, "index": 1, "index_select": 2, "masked_fill": 1, "where": 0}
"""Operations that are linear as long as the argument of this number does not depend on the sequence."""

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
    cause = "none of its operations is known to lack a rule"
    if missing:
        cause = f"operations without a DeepLIFT rule: {', '.join(missing)}"
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
        ``missing``: operations outside of a module with a rule that are not known to be linear, as "operation in
        Class (name)", which would be treated as linear; ``reused``: names of modules with a rule called more than
        once per pass (which is sound with tangermeme 1.6, and was not before); ``delta``: largest convergence
        delta; ``relative_delta``: the same over the mean difference explained.
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
    """Return the operations of a network that DeepSHAP may wrongly take for linear (see `audit_model`)."""
    return _trace(model, torch.as_tensor(onehot[:1]).float(), ruled_classes(model))[0]


def _trace(model: nn.Module, onehot: Tensor, ruled: Collection[type]) -> tuple[list[str], Counter]:
    """Return the non-linear operations outside of `ruled` modules, and the calls of each ruled module.

    Every tensor that was made of the sequence is followed, also those without a gradient, such as `x > 0`. An operation
    that is not known to be linear counts as one that is not: torch has too many for a list of those.
    """
    model.cpu().eval()
    stack: list[tuple[str, nn.Module]] = [("", model)]
    calls: Counter = Counter()
    missing: dict[str, None] = {}
    made: dict[int, Tensor] = {}  # of the sequence; they are held, so no other gets their identity
    written: dict[int, Tensor] = {}  # the same by memory, where views of it were written into

    def follows(value: object) -> bool:
        return isinstance(value, Tensor) and (id(value) in made or _memory(value) in written)

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            name = func.overloadpacket.__name__.removesuffix("_")
            depends = [any(follows(leaf) for leaf in tree_leaves(argument)) for argument in args]
            result = func(*args, **(kwargs or {}))
            if any(depends) and name not in CONSTANT:
                tensors = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
                made.update((id(leaf), leaf) for leaf in tensors)
                if func._schema.is_mutable:
                    written.update((_memory(leaf), leaf) for leaf in tensors)
                ours = any(type(module) in ruled for _, module in stack)
                if tensors and not ours and not _is_linear(name, depends):
                    where, module = stack[-1]
                    missing[f"{name} in {type(module).__name__}" + (f" ({where})" if where else "")] = None
            return result

    def enter(name):
        def hook(module, _):
            stack.append((name, module))
            if type(module) in ruled:
                calls[name] += 1

        return hook

    with ExitStack() as undo:
        for name, module in model.named_modules():
            undo.callback(module.register_forward_pre_hook(enter(name)).remove)
            undo.callback(module.register_forward_hook(lambda *_: stack.pop() and None).remove)
        sequence = onehot.clone()
        made[id(sequence)] = sequence
        with torch.no_grad(), Watch():
            model(sequence)
    return list(missing), calls


def _memory(value: Tensor) -> int:
    """Return what tells the memory of a tensor, which its views share, from any other."""
    return value.untyped_storage()._cdata


def _is_linear(name: str, depends: Sequence[bool]) -> bool:
    """Whether an operation is linear in the sequence, given which of its arguments depend on it."""
    if name in PRODUCTS:
        return sum(depends) <= 1
    if name in FIXED:
        return not any(depends[FIXED[name] : FIXED[name] + 1])
    return name in LINEAR_OPERATIONS
