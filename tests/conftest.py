"""Fixtures shared by all tests."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each file to one process, and all users of the finished tiny run to the same; what takes long goes first."""

    def after(item: pytest.Item) -> tuple[bool, bool]:
        return "tiny" not in item.fixturenames, "workflow" not in item.path.relative_to(ROOT).parts

    for item in items:
        file = item.path.relative_to(ROOT).as_posix()
        item.add_marker(pytest.mark.xdist_group("tiny" if "tiny" in item.fixturenames else file))
    items.sort(key=after)


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
