"""Input-gradient penalty: predictions that change little with the input."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lucidna.training.recipes.base import Batch, Component, StepContext
from lucidna.training.recipes.input_gradient import shared_gradient, shared_outputs


class JacobianPenalty(Component):
    """Penalise the squared norm of the input gradient (Hoffman, Roberts and Yaida, arXiv:1908.02729, 2019).

    Adds ``weight / 2 * mean_n ||J_n||^2``, the squared Frobenius norm of the Jacobian of the T logits or log
    counts with respect to the one-hot input; of a profile, of each track's logits less their mean, weighted by
    their own softmax (`head: counts` takes the log counts). Columns of N count like others: their gradient is what a
    base there would change.

    By random projection, as published: ``||J||^2 = T E||d(v z)/dx||^2`` with v uniform on the unit sphere of R^T,
    the mean of `projections` draws for each row. Exact for one task, where v is 1 and nothing is drawn, and, by T
    gradients, where `projections` is null.

    Defaults: weight 0.01 and one projection, the paper's. Costs one forward pass, one backward pass to the input
    per projection, which is kept in the graph, and the backward pass through all of them. It hurts where the
    signal is a sharp rule: a single base that abolishes a site needs a large gradient, and a heavy weight shrinks
    strong motifs before weak ones.
    """

    name = "jacobian_penalty"
    input_gradient = True

    def loss_terms(self, x: Tensor, prediction: Any, batch: Batch, context: StepContext) -> Tensor:
        """Return the weighted penalty of the batch."""
        head = self.arguments["head"]
        outputs = shared_outputs(prediction, context, head)
        n_tasks = outputs.shape[1]
        if n_tasks == 1:
            norm = shared_gradient(x, prediction, context, head).square().sum(dim=(1, 2))
        else:
            directions = self._directions(outputs, context)
            gradients = (torch.autograd.grad(outputs, x, v, create_graph=True)[0].float() for v in directions)
            norm = sum(gradient.square().sum(dim=(1, 2)) for gradient in gradients)
            if self.arguments["projections"] is not None:
                norm = norm * (n_tasks / len(directions))
        return self.arguments["weight"] / 2 * norm.mean()

    def _directions(self, outputs: Tensor, context: StepContext) -> Tensor:
        """Return (projections, N, T): unit vectors, drawn or one per task."""
        n, n_tasks = outputs.shape
        if self.arguments["projections"] is None:
            return torch.eye(n_tasks, device=outputs.device)[:, None].expand(n_tasks, n, n_tasks)
        shape = (self.arguments["projections"], n, n_tasks)
        drawn = torch.randn(shape, generator=context.generator, device=outputs.device)
        return torch.nn.functional.normalize(drawn, dim=2)
