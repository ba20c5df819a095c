"""Ensemble distillation: one network that learns what several say, and how far they disagree."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lucidna.errors import UserError
from lucidna.models.uncertainty import recorded_log_variance, start_log_variance
from lucidna.training.distillation import EPSILON, Targets
from lucidna.training.recipes.base import Batch, Component, Examples, StepContext


class Distillation(Component):
    r"""Learn the mean and the log-variance of trained members (DEGU; npj Artificial Intelligence 2:3, 2026).

    The members are the networks of the recipe `teacher` with the student's architecture and fold, one for each seed
    of the grid; a rule of its own asks them once for the training rows, and those that failed are left out. With
    outputs :math:`z_m` of M members, mean :math:`\mu = \sum_m z_m / M` and
    :math:`v = \log(\sum_m (z_m - \mu)^2 / M + 10^{-6})`, per task, the loss is

    .. math:: L(f(x), \mu) + w \, (g(x) - v)^2

    where f is the prediction, g a second output of the same head, and w is `weight`. L is the squared error; for log
    counts the candidate's own loss, with the members' mean in the place of the measured value. With the squared
    error and w = 1 that is the published loss times two. Labels of training rows are not seen; validation, and so
    the choice of the epoch, is by measured labels, as published.

    DEGU is published for regression. For binary labels z is the logit (Ba and Caruana, NeurIPS 2014): logits are what
    maps explain, and the variance of probabilities vanishes wherever the members are sure. The cross-entropy with soft
    labels has the same minimum, but near it a gradient much smaller than that of the log-variance, and students
    learned worse with it.

    Everything after training sees f alone. The log-variance on validation rows is kept in valid.npz, and metrics.json
    and the report say how well it orders the squared errors and the members' spread.

    Members speak of the sequences as they are: of both strands, averaged, where the student turns strands. Shifts and
    EvoAug are refused, unless `dynamic`: the members then run beside the student, and see each sequence as it
    comes out of the components before this one, and the student may do to sequences what it likes.

    Defaults: weight 1, static targets, as published. Costs the training of M members, M predictions of the training
    rows, and nothing per step; with `dynamic` M forward passes per step, about M / 3 of a step. It hurts where the
    members share an error, which the student learns with their confidence, and where there are few: the variance
    of three is mostly noise. It learns more slowly than with labels, so give it more epochs. For labels the predicted
    variance may say no more of the errors than p (1 - p) does; the report shows both.
    """

    name = "distillation"

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.targets: Targets | None = None
        self.networks: list[nn.Module] = []
        self.tables: tuple[Tensor, Tensor] | None = None
        self.recorded: list[Tensor] = []

    def take(self, targets: Targets, networks: Sequence[nn.Module]) -> None:
        """Take what the members said and, for dynamic targets, the members."""
        self.targets, self.networks = targets, [network.eval().requires_grad_(False) for network in networks]
        if self.arguments["dynamic"] and len(self.networks) != len(targets.members):
            raise UserError(
                f"dynamic distillation from {len(targets.members)} members was given {len(self.networks)} networks: "
                "give the folder of each"
            )

    def obstacle(self) -> str | None:
        """Say where too few members are left."""
        return self._given().obstacle()

    def model_arguments(self) -> dict[str, Any]:
        """Have the head compute a log-variance too."""
        return {"log_variance": True}

    def training_loss(self, loss: Callable[[Any, Batch], Tensor]) -> Callable[[Any, Batch], Tensor]:
        """Compare logits with logits, not with labels."""
        if self._given().kind != "binary":
            return loss
        return lambda prediction, batch: (prediction.float() - batch["target"]).square().mean()

    def initialise(self, model: nn.Module, examples: Examples) -> None:
        """Start at the mean log-variance."""
        _, log_variance = self._given().at(examples.rows)
        start_log_variance(model, torch.from_numpy(log_variance).mean(dim=0))

    def augment_batch(self, batch: Batch, context: StepContext) -> Batch:
        """Put the members' mean in the place of what was measured, with the log-variance beside it."""
        if self.arguments["dynamic"]:
            return batch
        row = batch["row"]
        if self.tables is None or self.tables[0].device != row.device:
            self.tables = tuple(table.to(row.device) for table in self._tables())
        mean, log_variance = (table[row] for table in self.tables)
        return {**batch, "measured": batch["target"], "target": mean, "log_variance": log_variance}

    def augment_onehot(self, x: Tensor, batch: Batch, context: StepContext) -> tuple[Tensor, Batch]:
        """Ask the members, where they run beside the student."""
        if not self.arguments["dynamic"]:
            return x, batch
        with torch.no_grad():
            outputs = [network.to(x.device)(x.float(), batch.get("control")) for network in self.networks]
        variance, mean = torch.var_mean(torch.stack(outputs).double(), dim=0, correction=0)
        log_variance = (variance + EPSILON).log().float()
        return x, {**batch, "measured": batch["target"], "target": mean.float(), "log_variance": log_variance}

    @contextlib.contextmanager
    def forward_context(self, context: StepContext) -> Iterator[None]:
        """Keep the log-variance that the network computes beside its prediction."""
        with recorded_log_variance(context.model) as self.recorded:
            yield

    def loss_terms(self, x: Tensor, prediction: Any, batch: Batch, context: StepContext) -> Tensor:
        """Return the weighted squared error of the log-variance."""
        (log_variance,) = self.recorded
        self.recorded = []
        return self.arguments["weight"] * (log_variance.float() - batch["log_variance"]).square().mean()

    def _given(self) -> Targets:
        if self.targets is None:
            raise UserError("recipe component 'distillation' was given no targets: train it through the workflow")
        return self.targets

    def _tables(self) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance by row of the dataset; NaN where the members were not asked."""
        targets = self._given()
        tables = []
        for values in (targets.mean, targets.log_variance):
            table = np.full((int(targets.row[-1]) + 1, values.shape[1]), np.nan, dtype=np.float32)
            table[targets.row] = values
            tables.append(torch.from_numpy(table))
        return tables[0], tables[1]
