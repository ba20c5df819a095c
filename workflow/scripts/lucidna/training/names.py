"""Names and defaults of the training settings; imports no torch, so that the grid is planned fast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lucidna.errors import UserError, nearest

# The same defaults as the config's schema, for callers that give only what differs.
TRAINER: dict[str, Any] = {
    "max_epochs": 50,
    "min_epochs": 1,
    "batch_size": 64,
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "patience": 10,  # epochs without a better monitor before training stops
    "schedule": "plateau",  # or "cosine": up in the first steps, down to zero at the last of max_epochs
    "plateau_patience": 5,  # epochs without a better monitor before the learning rate falls
    "plateau_factor": 0.2,
    "monitor": "auto",
    "gradient_clip": 0.0,  # largest norm of the gradient; 0: not clipped
    "precision": "32-true",
    "compile": False,  # torch.compile of the network's pass in training
    "accelerator": "auto",
    "devices": 1,
    "loss": "auto",
    "count_weight": "auto",
    "negatives_per_epoch": None,  # negatives drawn each epoch, as a multiple of the training peaks; None: all
}

# Where a checkpoint keeps what is ours: how far the training was, and the average of the weights.
STATE = "lucidna"
AVERAGE = "lucidna_average"

# The first of each list is what "auto" means.
LOSSES = {
    "binary": ("bce",),
    "counts": ("mse", "cosine_mse"),
    "profile": ("multinomial", "poisson_multinomial"),
}
MONITORS = {
    "binary": ("auroc", "aupr", "loss"),
    "counts": ("pearson", "spearman", "mse", "loss"),
    "profile": ("pearson", "spearman", "mse", "jsd", "loss"),
}
LOWER_IS_BETTER = ("loss", "mse", "jsd")

CONTROLS = ("none", "label_shuffled", "random_weights")


def resolve_trainer(trainer: Mapping[str, Any], *, target: str) -> dict[str, Any]:
    """Return the trainer's settings with every default filled in and "auto" resolved for the target.

    `count_weight` stays "auto": it depends on the data.

    Raises
    ------
    UserError
        For an unknown key, or a loss or monitor that the target does not have.
    """
    for key in trainer:
        if key not in TRAINER:
            guess = nearest(key, TRAINER)
            hint = f"did you mean {guess!r}?" if guess else f"it takes {', '.join(TRAINER)}"
            raise UserError(f"grid.trainer has no key {key!r}: {hint}")
    settings = {**TRAINER, **trainer}
    for key, options in (("loss", LOSSES[target]), ("monitor", MONITORS[target])):
        if settings[key] == "auto":
            settings[key] = options[0]
        elif settings[key] not in options:
            raise UserError(
                f"grid.trainer.{key} is {settings[key]!r}, which the target {target!r} does not have: "
                f"choose auto or one of {', '.join(options)}"
            )
    weight = settings["count_weight"]
    if weight != "auto" and (isinstance(weight, str | bool) or not weight >= 0):
        raise UserError(f"grid.trainer.count_weight is {weight!r}: give auto or a number from 0")
    if settings["min_epochs"] > settings["max_epochs"]:
        raise UserError(
            f"grid.trainer.min_epochs is {settings['min_epochs']}, more than max_epochs {settings['max_epochs']}: "
            "lower it"
        )
    return settings
