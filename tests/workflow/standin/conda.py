"""Answer the conda calls of `snakemake --sdm conda` with a real solver (py-rattler) on stand-in channels."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import yaml
from rattler import Channel, MatchSpec, Platform, VirtualPackage, install, solve

HOME = Path(sys.argv[1])
ARGUMENTS = sys.argv[2:]


def option(name: str) -> str:
    """Return the value after an option on the command line."""
    return ARGUMENTS[ARGUMENTS.index(name) + 1]


async def create(file: str, prefix: str) -> None:
    """Solve and install an environment file; pip entries must be in the calling interpreter at that very version."""
    document = yaml.safe_load(Path(file).read_text())
    base = os.environ["STANDIN_CHANNELS"]
    channels = [Channel(f"file://{base}/{name}") for name in document["channels"] if name != "nodefaults"]
    specs = [MatchSpec(entry) for entry in document["dependencies"] if isinstance(entry, str)]
    records = await solve(
        sources=channels,
        specs=specs,
        platforms=[Platform("linux-64"), Platform("noarch")],
        virtual_packages=VirtualPackage.detect(),
    )
    await install(records, target_prefix=prefix)
    pins = [pin for entry in document["dependencies"] if isinstance(entry, dict) for pin in entry["pip"]]
    if pins:
        pip = [f"{prefix}/bin/python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
        subprocess.run(pip + pins, check=True)


if ARGUMENTS == ["--version"]:
    print("conda 25.1.0")
elif ARGUMENTS[0] == "info":
    print(json.dumps({"conda_prefix": str(HOME), "root_prefix": str(HOME), "platform": "linux-64", "envs": []}))
elif ARGUMENTS[:2] == ["config", "--get"]:
    print(json.dumps({"get": {"channel_priority": "strict"}}))
elif ARGUMENTS[:2] == ["env", "create"]:
    asyncio.run(create(option("--file"), option("--prefix")))
elif ARGUMENTS[0] != "clean":
    sys.exit(f"the stand-in conda does not know: {ARGUMENTS}")
