import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lucidna import codedigest
from lucidna.codedigest import code_digest, files_digest

ROOT = Path(__file__).resolve().parents[3]


def digest_in(folder: Path, *modules: str, hash_seed: int = 0) -> str:
    code = f"from lucidna.codedigest import code_digest; print(code_digest(*{modules!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(folder), "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "workflow" / "scripts" / "lucidna", tmp_path / "lucidna")
    return tmp_path


def test_another_clone_has_the_same_digest(copy):
    assert digest_in(copy, "checks") == code_digest("checks")


def test_comments_and_docstrings_do_not_count_but_code_of_an_imported_module_does(copy):
    before = digest_in(copy, "grid")
    path = copy / "lucidna" / "errors.py"
    text = path.read_text()
    path.write_text("# a comment\n\n" + text.replace('"""Something in', '"""Something else in') + "\n# a comment\n")
    assert digest_in(copy, "grid") == before
    path.write_text(text + "\nCHANGED = 1\n")
    assert digest_in(copy, "grid") != before


@pytest.mark.parametrize(
    "imported",
    ["from lucidna.more import x", "from lucidna import (\n    more,\n)", "def f():\n    import lucidna.more as m"],
)
def test_a_change_inside_a_function_of_any_imported_module_counts(copy, imported):
    (copy / "lucidna" / "first.py").write_text(imported + "\n")
    more = copy / "lucidna" / "more.py"
    more.write_text("def x(a):\n    return [b * 2 for b in a if b in {3, 5}]\n")
    before = digest_in(copy, "first")
    for old, new in (("2", "4"), ("5", "7"), ("(a)", "(a, *, c=1)")):
        text = more.read_text()
        more.write_text(text.replace(old, new))
        assert digest_in(copy, "first") != before, new
        more.write_text(text)
    assert digest_in(copy, "first", hash_seed=1) == before


def test_a_module_that_is_not_imported_does_not_count(copy):
    before = digest_in(copy, "grid")
    (copy / "lucidna" / "runtime.py").write_text("CHANGED = 1\n")
    assert digest_in(copy, "grid") == before


def test_a_misspelt_module_is_an_error():
    with pytest.raises(FileNotFoundError):
        code_digest("no_such_module")


def test_files_digest_follows_names_and_bytes(tmp_path):
    (tmp_path / "a").write_text("x")
    first = files_digest(tmp_path)
    (tmp_path / "a").write_text("y")
    second = files_digest(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert len({first, second, files_digest(tmp_path)}) == 3


# Logs and threads, which change no result; and the check of the inputs, which is a job of its own.
NO_RESULT = {"runtime.py", "processor.py", "checks.py"}


def test_a_rule_digests_all_that_its_script_imports():
    """Snakemake sees a change of the script alone; a check is made anew each time, and needs no digest."""
    checked = 0
    for file in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        for block in re.split(r"^ *rule\b *", file.read_text(), flags=re.M)[1:]:
            script, digest = re.search(r"scripts/(\w+\.py)", block), re.search(r"code_digest\(([^)]*)\)", block)
            name = re.match(r"\w*", block)[0]
            assert digest or script is None or name.startswith("check_"), name
            if digest and script:
                named = {f"lucidna.{module}" for module in re.findall(r'"([^"]+)"', digest[1])}
                imported = set(codedigest._skeleton(ROOT / "workflow" / "scripts" / script[1])[1])
                direct = {path for path in map(codedigest._file, imported) if path is not None}
                missing = {
                    path.relative_to(codedigest.PACKAGE).as_posix()
                    for path in direct - set(codedigest._with_imports(named))
                }
                assert missing <= NO_RESULT, (file.name, name, missing)
                checked += 1
    assert checked > 25
