import logging
import os
from types import SimpleNamespace

import pytest

from lucidna.errors import UserError
from lucidna.runtime import errors_since, script


@pytest.fixture(autouse=True)
def loggers_as_before():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = handlers, level


def run(folder, rule: str, error: BaseException | None = None) -> None:
    with script(SimpleNamespace(log=[str(folder / rule / "x.log")], rule=rule)) as log:
        log.info("working")
        if error is not None:
            raise error


def test_a_mistake_of_the_user_is_one_sentence_and_status_1(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        run(tmp_path, "check", UserError("peaks.bed, line 3: mend it"))
    assert ended.value.code == 1
    text = (tmp_path / "check" / "x.log").read_text()
    assert text.endswith("  error in check: peaks.bed, line 3: mend it\n")
    assert "Traceback" not in text + capsys.readouterr().err


def test_another_error_leaves_its_traceback_in_the_log(tmp_path):
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, "check", ZeroDivisionError("x"))
    assert "Traceback" in (tmp_path / "check" / "x.log").read_text()


def test_errors_of_this_run_come_in_their_order(tmp_path):
    for rule in ("late", "early", "before"):
        with pytest.raises(SystemExit):
            run(tmp_path, rule, UserError(f"mend {rule}"))
    run(tmp_path, "good")
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, "crash", ZeroDivisionError("x"))
    for rule, when in (("late", 300), ("early", 200), ("before", 100), ("good", 250), ("crash", 250)):
        os.utime(tmp_path / rule / "x.log", (when, when))
    assert errors_since(tmp_path, 200) == ["error in early: mend early", "error in late: mend late"]
    assert errors_since(tmp_path, 301) == []
    assert errors_since(tmp_path / "nowhere", 0) == []
