"""The conda environments: exact, equal to the tested lock, complete, and really made by Snakemake."""

import ast
import os
import re
import shutil
import stat
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
RULES = sorted((ROOT / "workflow" / "rules").glob("*.smk"))
SCRIPTS = ROOT / "workflow" / "scripts"

# conda-forge and PyPI call these differently.
PYPI_NAMES = {"pytorch": "torch", "python-igraph": "igraph", "matplotlib-base": "matplotlib"}
# Not on conda-forge or bioconda at the pinned version (safetensors: version on the channel not seen).
PIP_ONLY = {
    "memelite",
    "modisco-lite",
    "tangermeme",
    "figwig",
    "finemo",
    "jaxtyping",
    "wadler_lindig",
    "safetensors",
    "pysam",
}
IMPORT_NAMES = {
    "pytorch": "torch",
    "pytorch-lightning": "pytorch_lightning",
    "pybigwig": "pyBigWig",
    "pyyaml": "yaml",
    "matplotlib-base": "matplotlib",
    "scikit-learn": "sklearn",
    "modisco-lite": "modiscolite",
}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def lock() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().split()
    return {canonical(name): version for name, version in (line.split("==") for line in lines)}


def dependencies(environment: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the conda packages and the pip packages of an environment, name -> version."""
    conda, pip = {}, {}
    for entry in yaml.safe_load(environment.read_text())["dependencies"]:
        if isinstance(entry, str):
            match = re.fullmatch(r"([a-z0-9-]+) =([0-9][0-9a-z.]*)", entry)
            assert match, f"{environment.name}: '{entry}' is not 'name =version'"
            conda[match[1]] = match[2]
        else:
            for line in entry["pip"]:
                name, version = line.split("==")
                pip[name] = version
    return conda, pip


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_every_pin_is_exact_and_equals_the_lock(environment):
    locked = lock()
    conda, pip = dependencies(environment)
    assert conda.pop("python").startswith("3.11.")
    conda.pop("pip", None)
    for name, version in conda.items():
        assert locked[canonical(PYPI_NAMES.get(name, name))] == version, name
    for name, version in pip.items():
        assert name in PIP_ONLY
        assert locked[canonical(name)] == version, name
    assert yaml.safe_load(environment.read_text())["channels"][-1] == "nodefaults"


def test_lock_holds_one_modiscolite_and_exact_versions():
    locked = lock()
    assert locked["modisco-lite"] == "3.0.0"
    assert "modisco" not in locked
    assert locked["torch"] == "2.13.0"
    assert all(re.fullmatch(r"[0-9][0-9a-z.]*", version) for version in locked.values())


def rule_blocks() -> dict[str, tuple[str, str]]:
    """Return rule name -> (environment, script)."""
    found = {}
    for path in RULES:
        for block in re.split(r"^\s*rule ", path.read_text(), flags=re.M)[1:]:
            name = block.split(":")[0]
            if not re.search(r"^\s*(output|script|shell|run):", block, flags=re.M):
                continue  # a target: it makes nothing by itself
            environment = re.search(r'conda:\s+"../../envs/(\w+)\.yaml"', block)
            script = re.search(r'script:\s+"../scripts/(\w+\.py)"', block)
            assert environment, f"rule {name} names no environment"
            assert script, f"rule {name} names no script"
            found[name] = (environment[1], script[1])
    return found


def test_every_rule_has_an_environment_and_every_environment_is_used():
    rules = rule_blocks()
    assert {environment for environment, _ in rules.values()} == {path.stem for path in ENVIRONMENTS}
    assert len(rules) >= 15


def module_file(name: str) -> Path | None:
    base = SCRIPTS.joinpath(*name.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def third_party(path: Path) -> set[str]:
    """Return the packages that importing a script brings in, through the library's own modules."""
    pending, seen, packages = [path], set(), set()
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        for node in ast.parse(path.read_text()).body:
            inner = node.body if isinstance(node, ast.With) else [node]
            for statement in inner:
                names = []
                if isinstance(statement, ast.Import):
                    names = [alias.name for alias in statement.names]
                elif isinstance(statement, ast.ImportFrom) and statement.level == 0:
                    names = [
                        statement.module,
                        *(f"{statement.module}.{alias.name}" for alias in statement.names),
                    ]
                for name in names:
                    if name.split(".")[0] != "lucidna":
                        packages.add(name.split(".")[0])
                        continue
                    parts = name.split(".")
                    for depth in range(1, len(parts) + 1):
                        file = module_file(".".join(parts[:depth]))
                        if file:
                            pending.append(file)
    return packages - set(sys.stdlib_module_names)


@pytest.mark.parametrize("rule", sorted(rule_blocks()))
def test_environment_holds_what_the_script_imports(rule):
    environment, script = rule_blocks()[rule]
    conda, pip = dependencies(ROOT / "envs" / f"{environment}.yaml")
    held = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in {**conda, **pip}}
    held |= {"markupsafe"} if "jinja2" in conda else set()  # a dependency of jinja2
    assert third_party(SCRIPTS / script) <= held


def test_sdm_conda_runs_offline_on_stand_in_channels(workflow, tmp_path):
    """Stand-in packages: this proves that the files solve, install, activate and run, not that channels hold them."""
    standin = Path(__file__).parent / "standin"
    channels = tmp_path / "channels"
    home = tmp_path / "conda"
    (home / "bin").mkdir(parents=True)
    make = [sys.executable, str(standin / "channels.py"), str(channels), *map(str, ENVIRONMENTS)]
    assert os.spawnv(os.P_WAIT, sys.executable, make) == 0
    launcher = home / "bin" / "conda"
    # The solver is a native library: when it dies of a signal, its trace is printed and it is started once more.
    call = f'{sys.executable} -X faulthandler {standin / "conda.py"} {home} "$@"'
    launcher.write_text(f"#!/bin/sh\n{call}\nstatus=$?\n[ $status -lt 128 ] && exit $status\nexec {call}\n")
    launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR)
    (home / "bin" / "activate").write_text('export CONDA_PREFIX="$1"\nexport PATH="$1/bin:$PATH"\n')
    for name in ("tiny.yaml", "tiny_tracks.tsv"):
        shutil.copy(Path(__file__).parent / name, workflow.folder / name.replace("tiny_", ""))
    env = {"PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}", "STANDIN_CHANNELS": str(channels)}
    made = workflow.run("--configfile", "tiny.yaml", "--sdm", "conda", "--conda-create-envs-only", env=env)
    prefixes = list((workflow.folder / ".snakemake" / "conda").glob("*_/bin/python"))
    assert len(prefixes) == len(ENVIRONMENTS), made.stdout
    workflow.run("results/tiny/data/regions.tsv", "--configfile", "tiny.yaml", "--sdm", "conda", env=env)
    assert (workflow.folder / "results/tiny/data/regions.tsv").is_file()
