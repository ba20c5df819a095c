"""Off-simplex angle penalty: gradients that lie in the plane of the data."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lucidna.training.recipes.base import Batch, Component, StepContext
from lucidna.training.recipes.input_gradient import known_bases, shared_gradient

# Positions whose gradient is smaller than this share of the row's largest, or than the second number, have no
# direction worth learning from: the gradient of an angle grows with one over the length.
_SMALLEST_SHARE = 1e-6
_SMALLEST = 1e-12


class AnglePenalty(Component):
    """Penalise the angle between the input gradient and the simplex (Majdandzic et al., Genome Biol 24:109, 2023).

    Adds ``weight * mean_n sqrt(sum_l theta_nl^2)``, in degrees, with
    ``theta_l = arcsin(sum_a s_al / (2 ||s_l||))`` of the gradient s of the logits or log counts summed over tasks;
    of a profile, of the logits less their mean, weighted by their own softmax (`head: counts` takes the log
    counts). The angle does not depend on the gradient's scale, so the published gradient of the sigmoid output
    gives the same for one task. Dropout is on, as published. Columns of N are left out.

    The form is the published one; its gradient is made safe. arcsin has an infinite slope at 90 degrees, and a
    zero gradient has no angle: here ``theta = atan2(u, v)``, u the component along (1, 1, 1, 1) / 2 and v the
    length of the rest, with the subgradient 0 at v = 0, and positions below a millionth of the row's largest
    gradient count as 0.

    Defaults: weight 1e-3, out of the 1e-7 to 2e-2 that were tried; the norm grows with the square root of the
    window, so lower it in proportion for long ones. Costs one forward pass, one backward pass to the input, which
    is kept in the graph, and the backward pass through both. It hurts little and buys little where maps are
    corrected by subtracting their mean over bases, which removes the same component; a heavy weight flattens
    the network.
    """

    name = "angle_penalty"
    input_gradient = True

    def loss_terms(self, x: Tensor, prediction: Any, batch: Batch, context: StepContext) -> Tensor:
        """Return the weighted penalty of the batch."""
        gradient = shared_gradient(x, prediction, context, self.arguments["head"])
        angles = safe_angles(gradient) * known_bases(batch)[:, 0]
        return self.arguments["weight"] * torch.linalg.vector_norm(angles, dim=1).mean()


def safe_angles(gradient: Tensor) -> Tensor:
    """Return the angles of gradients (N, 4, L) to the simplex in degrees, (N, L), differentiable everywhere."""
    length = torch.linalg.vector_norm(gradient.detach(), dim=1)
    largest = length.amax(dim=1, keepdim=True)
    seen = length > (largest * _SMALLEST_SHARE).clamp(min=_SMALLEST)
    # The angle does not depend on the scale; at length 1 no square underflows.
    scaled = gradient / torch.where(seen, length, 1).unsqueeze(1)
    across = scaled.sum(dim=1) / 2
    within = torch.linalg.vector_norm(scaled - scaled.mean(dim=1, keepdim=True), dim=1)
    across, within = torch.where(seen, across, 0), torch.where(seen, within, 1)
    return torch.rad2deg(torch.atan2(across, within))
