"""Run Snakemake as a user would, in a folder of its own."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Workflow:
    """The project's Snakefile, run in `folder`."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def command(self, *arguments: str, cores: int = 2) -> list[str]:
        snakefile = [] if "--snakefile" in arguments else ["--snakefile", str(ROOT / "Snakefile")]
        return [sys.executable, "-m", "snakemake", *snakefile, "--cores", str(cores), *arguments]

    def run(self, *arguments: str, cores: int = 2, check: bool = True, timeout: int = 1800, env: dict | None = None):
        """Run to the end; return the completed process with its output as text.

        The time is for a run that hangs, not for a slow machine. When it is up, or the test is stopped, the jobs that
        Snakemake started end with it.
        """
        process = subprocess.Popen(
            self.command(*arguments, cores=cores),
            cwd=self.folder,
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=timeout)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        done = subprocess.CompletedProcess(process.args, process.returncode, output)
        assert not check or done.returncode == 0, done.stdout[-6000:]
        return done


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    return Workflow(tmp_path / "run")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A finished run of the whole workflow on tiny simulated data; tests may add to it but not break it."""
    workflow = Workflow(tmp_path_factory.mktemp("tiny"))
    shutil.copy(ROOT / "tests" / "workflow" / "tiny.yaml", workflow.folder / "config.yaml")
    shutil.copy(ROOT / "tests" / "workflow" / "tiny_tracks.tsv", workflow.folder / "tracks.tsv")
    workflow.first = workflow.run("--configfile", "config.yaml")
    return workflow
