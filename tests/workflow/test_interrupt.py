"""Stopped in the middle of a training, by Ctrl-C or by force: the next run goes on and ends with the same weights."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml

from lucidna.config import validate
from lucidna.grid import expand_grid

from .conftest import ROOT, Workflow

HERE = Path(__file__).parent
EPOCHS = 60
OUTPUTS = {"model.safetensors", "model.json", "metrics.json", "history.tsv", "valid.npz"}
# Of one run, not of the result.
MEASURED = {"seconds", "peak_rss_mb"}


class Training:
    """One candidate in a folder of its own; its metrics.json is all that is asked for."""

    def __init__(self, workflow: Workflow, candidate: str):
        self.workflow = workflow
        self.folder = workflow.folder / "results" / "tiny" / "train" / candidate
        self.log = workflow.folder / "logs" / "tiny" / "train" / f"{candidate}.log"
        target = str((self.folder / "metrics.json").relative_to(workflow.folder))
        # The options that the README and the Makefile give.
        self.arguments = [target, "--configfile", "config.yaml", "--rerun-incomplete"]

    def run(self, *more: str, check: bool = True) -> str:
        return self.workflow.run(*self.arguments, *more, cores=1, check=check).stdout

    @contextlib.contextmanager
    def stopped(self, how: signal.Signals) -> Iterator[tuple[int, str]]:
        """Send a signal to all processes of a run that is training, as a terminal does; yield status and output.

        Background jobs ignore SIGINT and hand that on to what they start, so it is reset in the child.
        """
        output = self.workflow.folder / "stopped.txt"
        with output.open("w") as handle:
            process = subprocess.Popen(
                self.workflow.command(*self.arguments, cores=1),
                cwd=self.workflow.folder,
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        try:
            deadline = time.monotonic() + 120
            while not self.is_training():
                assert process.poll() is None, f"ended before it was stopped:\n{output.read_text()[-3000:]}"
                assert time.monotonic() < deadline, f"no checkpoint in time:\n{output.read_text()[-3000:]}"
                time.sleep(0.02)
            os.killpg(process.pid, how)
            status = process.wait(timeout=60)
            if how == signal.SIGINT:
                with pytest.raises(ProcessLookupError):  # none of them lives on
                    os.killpg(process.pid, 0)
            yield status, output.read_text()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=60)

    def is_training(self) -> bool:
        return (self.folder / "checkpoints" / "last.ckpt").is_file() and "epoch 3/" in self.log.read_text()

    def left(self) -> set[str]:
        """Name the files beside the checkpoints, those half-written included."""
        return {path.name for path in self.folder.iterdir() if path.is_file()}

    def check_same_as(self, other: "Training") -> None:
        assert self.left() == other.left() == OUTPUTS
        for name in ("model.safetensors", "model.json", "valid.npz"):
            assert (self.folder / name).read_bytes() == (other.folder / name).read_bytes(), name
        assert self.metrics() == other.metrics()
        pd.testing.assert_frame_equal(self.history(), other.history(), check_exact=True)

    def metrics(self) -> dict:
        def keep(value):
            if isinstance(value, dict):
                return {key: keep(entry) for key, entry in value.items() if key not in MEASURED}
            return [keep(entry) for entry in value] if isinstance(value, list) else value

        return keep(json.loads((self.folder / "metrics.json").read_text()))

    def history(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "history.tsv", sep="\t").drop(columns="seconds")

    def check_resumed(self) -> None:
        text = self.log.read_text()
        after = re.search(r"goes on after epoch (\d+)$", text, flags=re.M)
        assert after, text[:2000]
        epochs = [int(number) for number in re.findall(rf"epoch (\d+)/{EPOCHS} ", text)]
        assert epochs == list(range(int(after[1]) + 1, EPOCHS + 1))
        # Epoch 3 was in the log: its checkpoint, or at least the one before, was written.
        assert 2 <= int(after[1]) < EPOCHS


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Training:
    """A training that nobody stopped."""
    workflow = Workflow(tmp_path_factory.mktemp("interrupt") / "whole")
    shutil.copy(HERE / "tiny_tracks.tsv", workflow.folder / "tracks.tsv")
    config = yaml.safe_load((HERE / "tiny.yaml").read_text())
    config["simulate"] |= {"chromosomes": {"chr1": 120_000, "chr2": 60_000, "chr3": 60_000}, "peaks": 300}
    config["grid"] |= {"architectures": {"cnn_shallow": {}}, "recipes": {"standard": ["standard"]}, "controls": []}
    config["grid"]["trainer"] |= {"max_epochs": EPOCHS, "patience": EPOCHS}
    (workflow.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    with contextlib.chdir(workflow.folder):
        (candidate,) = expand_grid(validate(config))
    training = Training(workflow, candidate)
    training.run()
    assert training.left() == OUTPUTS
    return training


@pytest.fixture
def fresh(whole: Training, tmp_path: Path) -> Training:
    """The same data, nothing trained."""
    folder = tmp_path / "stopped"
    shutil.copytree(whole.workflow.folder, folder)
    training = Training(Workflow(folder), whole.folder.name)
    shutil.rmtree(training.folder)
    training.log.unlink()
    return training


def test_ctrl_c_and_the_same_command_again(whole, fresh):
    with fresh.stopped(signal.SIGINT) as (status, output):
        assert status not in (0, None)
        assert status > 0, "Snakemake did not end by itself"
        assert "Terminating processes on user request" in output
        assert fresh.left() == set()
    again = fresh.run()
    assert not re.search(r"^(simulate|make_dataset|split_fold) +\d+$", again, flags=re.M)
    fresh.check_resumed()
    fresh.check_same_as(whole)
    assert not (fresh.folder / "checkpoints").exists()


def test_killed_then_unlocked_as_the_message_says(whole, fresh):
    """The machine goes down: no process can tidy up, and the lock stays."""
    with fresh.stopped(signal.SIGKILL) as (status, _):
        assert status == -signal.SIGKILL
        assert fresh.left() == set()
    assert "--unlock" in fresh.run(check=False)
    fresh.workflow.run("--unlock", "--configfile", "config.yaml")
    fresh.run()
    fresh.check_resumed()
    fresh.check_same_as(whole)


def test_the_commands_that_users_are_given_go_on_over_half_written_files():
    """After Ctrl-C in a rule that writes several files, Snakemake refuses to go on without the option."""
    lines = (ROOT / "README.md").read_text().splitlines() + (ROOT / "Makefile").read_text().splitlines()
    runs = [line.strip() for line in lines if re.match(r"\s+(\$\(BIN\)/)?snakemake --cores (?!.* -n\b)", line)]
    assert len(runs) == 3
    assert all("--rerun-incomplete" in command for command in runs), runs
    for profile in (ROOT / "workflow" / "profiles").glob("*/profile.yaml"):
        assert yaml.safe_load(profile.read_text())["rerun-incomplete"] is True, profile
