"""Maps made in several jobs: the plan, and the bytes of one job."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from .conftest import ROOT, Workflow

MAPS = "results/tiny/attribute/accessibility/counts"


def sharded(folder: Path, shards: int) -> None:
    config = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text())
    config["attribution"]["shards"] = shards
    (folder / "sharded.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


@pytest.mark.parametrize(
    ("shards", "arguments", "jobs"),
    [(3, [], {"attribute_shard": 12, "join_shards": 4}), (3, ["--set-scatter", "shards=4"], {"attribute_shard": 16})],
)
def test_every_set_of_maps_is_divided(workflow, shards, arguments, jobs):
    shutil.copy(ROOT / "tests" / "workflow" / "tiny_tracks.tsv", workflow.folder / "tracks.tsv")
    sharded(workflow.folder, shards)
    plan = workflow.run("--configfile", "sharded.yaml", "-n", *arguments).stdout
    for rule, count in jobs.items():
        assert re.search(rf"^{rule}\s+{count}$", plan, flags=re.M), rule
    assert not re.search(r"^attribute\s", plan, flags=re.M)


def test_joined_maps_are_those_of_one_job(tiny, tmp_path):
    copied = Workflow(shutil.copytree(tiny.folder, tmp_path / "copied"))
    sharded(copied.folder, 2)
    names = [f"saliency.{part}" for part in ("attributions.h5", "regions.bed", "summary.json")]
    for name in names:
        (copied.folder / MAPS / name).unlink()
    kept = ("--configfile", "sharded.yaml", "--rerun-triggers", "mtime")
    done = copied.run(f"{MAPS}/{names[0]}", *kept)
    assert re.search(r"^attribute_shard\s+2$", done.stdout, flags=re.M)
    for name in names[:2]:
        assert (copied.folder / MAPS / name).read_bytes() == (tiny.folder / MAPS / name).read_bytes(), name
    summaries = [json.loads((run.folder / MAPS / names[2]).read_text()) for run in (copied, tiny)]
    assert summaries[0].pop("seconds") > 0
    summaries[1].pop("seconds")
    assert summaries[0] == summaries[1]
    assert summaries[0]["n_regions"] > 512  # more than one block
    assert not list(copied.folder.glob(f"{MAPS}/shards/*.h5"))
