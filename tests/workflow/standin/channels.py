"""Make conda channels of empty packages: right names, right versions, nothing inside.

Usage: channels.py OUT ENV.yaml ...

The package `python` holds one file, bin/python, which starts the interpreter that runs this script.
"""

import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

import yaml


def build(folder: Path, name: str, version: str) -> dict:
    """Write one package into a channel's folder and return its record for repodata.json."""
    files = {f"share/standin/{name}": version.encode()}
    subdir = "noarch"
    if name == "python":
        files = {"bin/python": f'#!/bin/sh\nexec {sys.executable} "$@"\n'.encode()}
        subdir = "linux-64"
    record = {
        "name": name,
        "version": version,
        "build": "0",
        "build_number": 0,
        "depends": [],
        "subdir": subdir,
    }
    if subdir == "noarch":
        record["noarch"] = "generic"
    paths = [
        {
            "_path": path,
            "path_type": "hardlink",
            "sha256": hashlib.sha256(data).hexdigest(),
            "size_in_bytes": len(data),
        }
        for path, data in files.items()
    ]
    members = {
        "info/index.json": json.dumps(record).encode(),
        "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}).encode(),
        "info/files": "\n".join(files).encode(),
        "info/about.json": b"{}",
        **files,
    }
    archive = folder / subdir / f"{name}-{version}-0.tar.bz2"
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:bz2") as tar:
        for path, data in members.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            entry.mode = 0o755 if path.startswith("bin/") else 0o644
            tar.addfile(entry, io.BytesIO(data))
    blob = archive.read_bytes()
    digests = {
        "md5": hashlib.md5(blob).hexdigest(),
        "sha256": hashlib.sha256(blob).hexdigest(),
        "size": len(blob),
    }
    return {"file": archive.name, **record, **digests}


def main(out: Path, environments: list[Path]) -> None:
    """Build every package that the environments name into both channels."""
    wanted = set()
    for environment in environments:
        for dependency in yaml.safe_load(environment.read_text())["dependencies"]:
            if isinstance(dependency, str):
                name, version = (part.strip() for part in dependency.split("="))
                wanted.add((name, version))
    for channel in ("conda-forge", "bioconda"):
        records: dict[str, dict] = {"noarch": {}, "linux-64": {}}
        if channel == "conda-forge":
            for name, version in sorted(wanted):
                record = build(out / channel, name, version)
                records[record["subdir"]][record.pop("file")] = record
        for subdir, packages in records.items():
            folder = out / channel / subdir
            folder.mkdir(parents=True, exist_ok=True)
            repodata = {
                "info": {"subdir": subdir},
                "packages": packages,
                "packages.conda": {},
                "repodata_version": 1,
            }
            (folder / "repodata.json").write_text(json.dumps(repodata))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), [Path(name) for name in sys.argv[2:]])
