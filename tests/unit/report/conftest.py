from pathlib import Path

import pytest

from lucidna.report.page import write_report

from .made_up import make_experiment


@pytest.fixture(scope="package")
def written(tmp_path_factory) -> tuple[Path, dict]:
    """A whole made-up experiment with its page, and the arguments that made it."""
    root = tmp_path_factory.mktemp("results") / "made-up"
    root.mkdir()
    arguments = make_experiment(root)
    write_report(root, root / "report" / "report.html", **arguments)
    return root, arguments


@pytest.fixture(scope="package")
def page(written) -> str:
    return (written[0] / "report" / "report.html").read_text(encoding="utf-8")
