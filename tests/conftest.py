"""Fixtures shared by all tests, and how tests are spread over processes (pytest -n)."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Files that share a fixture of the session, which takes a minute or more to make and is used by one process at a time;
# and the other run that compares patterns with a database, which numba compiles for two minutes in a new installation.
SHARED = {f"tests/workflow/test_{name}.py": "tiny" for name in ("run", "more", "given", "shards", "yeast")}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests of whole workflows, so that no process is left with one at the end."""
    items.sort(key=lambda item: "workflow" not in item.path.parts)


def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Give the tests of a file to one process, in their order, and all that share a fixture to the same one."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return "motifs" if file.startswith("tests/unit/motifs/") else SHARED.get(file, file)

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real genomes, tracks and reference numbers; tests that need them skip, and say so, where they are absent."""
    path = ROOT.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip("../shared/data is not there")
    return path
