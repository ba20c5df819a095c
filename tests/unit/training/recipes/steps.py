"""Small networks and single training steps, for the tests of components."""

import numpy as np
import torch

from lucidna.channels import n_controls, task_channels
from lucidna.dataset import Dataset
from lucidna.models import build
from lucidna.training.batches import BatchReader
from lucidna.training.losses import make_loss
from lucidna.training.module import CandidateModule
from lucidna.training.names import resolve_trainer
from lucidna.training.recipes import compose
from lucidna.training.recipes.base import Stage, StepContext

_CNN = {"filters": [8, 8], "kernel_sizes": [9, 5], "pool_sizes": [2, 4], "dense": [16]}
NETWORKS = {
    "cnn_shallow": _CNN,
    "cnn_deep": _CNN,
    "basset": _CNN,
    "deepstarr": _CNN,
    "bpnet": {"n_filters": 8, "n_layers": 2, "first_kernel": 9, "profile_kernel": 15},
}


def small_network(name="cnn_deep", *, target="binary", n_tasks=1, length=64, seed=0, **arguments):
    """Build a network; profiles have one stranded and one plain track, whatever `n_tasks`."""
    torch.manual_seed(seed)
    channels = [[0, 1], [2]] if target == "profile" else [[task] for task in range(n_tasks)]
    return build(
        name,
        input_length=length,
        output_length=length,
        target=target,
        n_tasks=len(channels),
        channels=channels,
        n_controls=0,
        **{**NETWORKS[name], **arguments},
    )


def small_batch(n=24, *, target="binary", n_tasks=1, length=64, seed=0, unknown=True):
    """Return random rows, N at both ends of some, with targets that follow the G content."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, length), dtype=np.uint8)
    share = (codes == 2).mean(axis=1)
    if unknown:
        codes[::3, :7] = codes[::3, -5:] = 4
    values = (share[:, None] > np.median(share)) if target == "binary" else np.log1p(100 * share)[:, None]
    batch = {
        "row": torch.arange(n),
        "codes": torch.from_numpy(codes),
        "target": torch.from_numpy(np.repeat(values, 2 if target == "profile" else n_tasks, axis=1)).float(),
    }
    if target == "profile":
        batch["signal"] = torch.from_numpy(rng.poisson(1.0, (n, 3, length))).float()
    return batch


def small_loss(target):
    name = {"binary": "bce", "counts": "mse", "profile": "multinomial"}[target]
    return make_loss(name, channels=[[0, 1], [2]], count_weight=[1.0, 1.0])


def step_context(model, *, target="binary", seed=0, epoch=0, step=0):
    return StepContext(
        model=model,
        loss=small_loss(target),
        generator=torch.Generator().manual_seed(seed),
        epoch=epoch,
        step=step,
        signal_order=torch.tensor([1, 0, 2]),
        control_order=torch.zeros(0, dtype=torch.long),
    )


def make_module(data, components, *, name="cnn_deep", seed=0, **arguments):
    """Return the Lightning module of a candidate and its first training batch, at the start of an epoch."""
    dataset = Dataset.open(data, fold="fold0")
    reader = BatchReader(dataset)
    recipe = compose(components)
    torch.manual_seed(seed)
    model = build(
        name,
        input_length=reader.input_length,
        output_length=reader.output_length,
        target=reader.target,
        n_tasks=len(dataset.info["tasks"]),
        channels=task_channels(dataset),
        n_controls=n_controls(dataset),
        **{**NETWORKS[name], **arguments},
    )
    settings = resolve_trainer({}, target=reader.target)
    loss = make_loss(settings["loss"], channels=reader.channels, count_weight=[1.0] * len(reader.channels))
    module = CandidateModule(
        model,
        reader=reader,
        loss=loss,
        recipe=recipe,
        stages=[Stage("train", 5, 1, 1e-3)],
        stage_index=0,
        settings=settings,
        seed=seed,
    ).train()
    module.on_train_epoch_start()
    batch = reader.read(dataset.rows_of("train")[:24])
    batch["codes"][::3, :6] = 4
    return module, batch


def statistics(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def weight_gradients(model):
    return {name: None if p.grad is None else p.grad.clone() for name, p in model.named_parameters()}
