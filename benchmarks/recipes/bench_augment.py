"""Speed of EvoAug on the CPU: against evoaug2, and as a share of the deep CNN's training step.

    pip install --no-deps --target PEERS -r benchmarks/recipes/bench_requirements.txt
    python benchmarks/recipes/bench_augment.py --peers PEERS --out benchmarks/results/recipes_speed.tsv

Batches of 128 random sequences of 200 and 2,114 bp, three operations on each sequence out of

    bases    deletion, insertion, translocation, inversion, mutation, reverse complement (all that change bases)
    chip     reverse complement, deletion, insertion, translocation, noise, mutation (the published set for ChIP)

with EvoAug's default lengths, on one thread, in CPU time. Ours starts from base codes and ends with the
one-hot columns; evoaug2's `RobustLoader` (no worker processes) starts from one-hot sequences in memory and
ends with a batch of them.
The training step is that of `CandidateModule` with the optimizer, without reading data: the recipe `standard`
with EvoAug and without.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "workflow" / "scripts"), str(Path(__file__).parent)]

from bench_table import Task, interleave, ratio_of, row, write  # noqa: E402
from lucidna.models import build  # noqa: E402
from lucidna.models.names import ARCHITECTURES  # noqa: E402
from lucidna.processor import keep_freed_memory  # noqa: E402
from lucidna.sequence import one_hot  # noqa: E402
from lucidna.training.losses import make_loss  # noqa: E402
from lucidna.training.recipes import compose  # noqa: E402
from lucidna.training.recipes.base import StepContext  # noqa: E402

BATCH = 128
SETS = {
    "bases": ["deletion", "insertion", "translocation", "inversion", "mutation", "reverse_complement"],
    "chip": ["reverse_complement", "deletion", "insertion", "translocation", "noise", "mutation"],
}
PEER = {
    "deletion": "RandomDeletion",
    "insertion": "RandomInsertion",
    "translocation": "RandomTranslocation",
    "inversion": "RandomInversion",
    "mutation": "RandomMutation",
    "reverse_complement": "RandomRC",
    "noise": "RandomNoise",
}


def recipe_of(operations: list[str]) -> list:
    """Return the component evoaug with three operations on each sequence."""
    return ["evoaug", {"operations": operations, "per_sequence": 3, "hard": True}]


def context_of(model: torch.nn.Module) -> StepContext:
    """Return what the hooks get in a training step."""
    return StepContext(
        model=model,
        loss=make_loss("bce", channels=[[0]]),
        generator=torch.Generator().manual_seed(0),
        epoch=0,
        step=0,
        signal_order=torch.tensor([0]),
        control_order=torch.tensor([], dtype=torch.long),
    )


def random_codes(length: int) -> torch.Tensor:
    """Return a batch of base codes."""
    return torch.randint(0, 4, (BATCH, length), dtype=torch.uint8)


def augmenting(operations: list[str], length: int) -> Callable[[], object]:
    """Return a function that augments a batch and makes it one-hot."""
    keep_freed_memory()
    codes = random_codes(length)
    recipe, context = compose([recipe_of(operations)]), context_of(torch.nn.Identity())

    def call() -> None:
        batch = recipe.augment_batch({"codes": codes}, context)
        recipe.augment_onehot(one_hot(batch["codes"]), batch, context)

    return call


def peer_augmenting(operations: list[str], length: int) -> Callable[[], object]:
    """Return a function that draws one batch from evoaug2's loader."""
    from evoaug import RobustLoader, augment

    data = torch.utils.data.TensorDataset(one_hot(random_codes(length)), torch.zeros(BATCH, 1))
    loader = RobustLoader(
        data,
        [getattr(augment, PEER[name])() for name in operations],
        max_augs_per_seq=3,
        hard_aug=True,
        batch_size=BATCH,
        shuffle=False,
        num_workers=0,
    )
    return lambda: next(iter(loader))[0]


def training(components: list, length: int) -> Callable[[], object]:
    """Return a function that does one training step of the deep CNN."""
    keep_freed_memory()
    codes = random_codes(length)
    recipe = compose(components)
    torch.manual_seed(0)
    model = build(
        "cnn_deep",
        input_length=codes.shape[1],
        output_length=codes.shape[1],
        target="binary",
        n_tasks=1,
        channels=[[0]],
        n_controls=0,
        **ARCHITECTURES["cnn_deep"],
    )
    context = context_of(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-6, fused=True)
    target = torch.randint(0, 2, (BATCH, 1)).float()

    def call() -> None:
        batch = recipe.augment_batch({"codes": codes, "target": target}, context)
        x, batch = recipe.augment_onehot(one_hot(batch["codes"]), batch, context)
        loss = context.loss(model(x, None), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return call


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    sys.path.append(str(arguments.peers))
    rows = []
    for length in (200, 2114):
        sizes = f"batch {BATCH}, {length} bp"
        for name, operations in SETS.items():
            tasks = {
                "ours": Task(augmenting, (operations, length), 20),
                "peer": Task(peer_augmenting, (operations, length), 3),
            }
            seconds = interleave(tasks, rounds=arguments.rounds, threads=1)
            rows.append(
                row(
                    what=f"augmentation against evoaug2 2.0.4: {name}",
                    unit="CPU ms per batch",
                    ours=1e3 * statistics.median(seconds["ours"]),
                    peer=1e3 * statistics.median(seconds["peer"]),
                    ratio=ratio_of(seconds["peer"], seconds["ours"]),
                    target="at least 20",
                    sizes=sizes,
                )
            )
            standard = ["standard", {}]
            tasks = {
                "with": Task(training, ([standard, recipe_of(operations)], length), 1 + 2000 // length),
                "without": Task(training, ([standard], length), 1 + 2000 // length),
            }
            seconds = interleave(tasks, rounds=arguments.rounds, threads=1)
            rows.append(
                row(
                    what=f"training step of cnn_deep with evoaug against without: {name}",
                    unit="CPU ms per step",
                    ours=1e3 * statistics.median(seconds["with"]),
                    peer=1e3 * statistics.median(seconds["without"]),
                    ratio=ratio_of(seconds["with"], seconds["without"]),
                    target="at most 1.10",
                    sizes=sizes,
                )
            )
    write(arguments.out, rows)


if __name__ == "__main__":
    main()
