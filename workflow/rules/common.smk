# What the stages of an experiment share: its candidates, and the functions that name files.
import re

from lucidna.config import heads_of, ranking_heads
from lucidna.folds import expand_folds
from lucidna.grid import distillation_targets, expand_grid, seed_stacks
from lucidna.planning import check_models, input_files, task_names

try:
    FILES = input_files(CONFIG)
    EXTERNAL = expand_external(CONFIG)
    GRID = expand_grid(CONFIG)
    CANDIDATES = {**GRID, **EXTERNAL}
    TASKS = task_names(CONFIG)
    check_models(CONFIG["attribution"]["models"], CANDIDATES)
except UserError as error:
    sys.exit(f"error: {error}")

# Networks trained on a control track are not ranked: their maps are what the others are compared without.
RANKED = [name for name, entry in CANDIDATES.items() if entry["control"] != "bias"]
DISTILLED = distillation_targets(CANDIDATES)
STACKS = seed_stacks(CONFIG, GRID)
SPLITS = expand_folds(CONFIG["folds"])
FOLDS = list(SPLITS)
SIM = f"{EXP}/simulate" if "simulate" in CONFIG else None
ATTRIBUTE = f"{EXP}/attribute/{{task}}/{{head}}"
MOTIFS = f"{EXP}/motifs/{{task}}/{{head}}"
HEADS = heads_of(CONFIG)
METHODS = list(CONFIG["attribution"]["methods"])
METHOD = CONFIG["motifs"]["method"]
NULLS = [f"null{draw}." for draw in range(CONFIG["motifs"]["null_draws"])]
AGAIN = CONFIG["motifs"]["reproducibility"]
FURTHER = [method for method in METHODS if method != METHOD and AGAIN["methods"]]
ARRAYS = ["dataset.json", "rows.tsv", "sequences.npy", "targets.npy"]
ARRAYS += ["signals.npy"] if FILES["tracks"] else []
ARRAYS += ["controls.npy"] if FILES["controls"] else []
ARRAYS = [f"{EXP}/data/{name}" for name in ARRAYS]


wildcard_constraints:
    candidate=r"[A-Za-z0-9_.-]+",
    targets=r"[A-Za-z0-9_.-]+",
    fold="|".join(FOLDS),
    task=r"[A-Za-z0-9_.-]+",
    head="logit|counts|profile",
    method="|".join(METHODS),
    null=r"|null\d+\.",


def models(part):
    """Name one file of every candidate's folder."""
    return trained_files(CANDIDATES, part)


def trained_files(candidates, part):
    """Name one file of the folder of each of some candidates."""
    return [f"{EXP}/train/{candidate}/{part}" for candidate in candidates]


def unstacked_candidates():
    """Give the pattern of the candidates that are trained one at a time."""
    stacked = "|".join(re.escape(name) for names in STACKS.values() for name in names)
    return (rf"(?!(?:{stacked})/)" if stacked else "") + r"[A-Za-z0-9_.-]+"


def member_files(targets, part):
    """Name one file of the folder of every member whose outputs are distilled."""
    return trained_files(DISTILLED[targets]["members"], part)


def distillation_of(candidate):
    """Name what the members of a distilled candidate say; others need nothing."""
    asked = CANDIDATES[candidate].get("distillation")
    return [f"{EXP}/distillation/{asked['targets']}.npz"] if asked else []


def dynamic_members(candidate):
    """Name the files of the members that run beside a distilled candidate."""
    asked = CANDIDATES[candidate].get("distillation")
    if not asked or not asked["dynamic"]:
        return []
    return member_files(asked["targets"], "model.safetensors")


def final_outputs():
    """Name what `rule all` asks for."""
    return [f"{EXP}/report/report.html", f"{EXP}/data/regions.tsv", *npz_maps()]


def npz_maps():
    """Name the maps in npz files, where the config asks for them."""
    parts = ["ohe", "attr"] if CONFIG["attribution"]["npz"] else []
    return expand(
        f"{ATTRIBUTE}/{{method}}.{{part}}.npz",
        task=TASKS,
        head=HEADS,
        method=METHODS,
        part=parts,
    )


def data_settings():
    """Collect the settings that determine the arrays on disk; folds are not among them."""
    keys = ("genome", "regions", "sequences", "tracks", "window", "target")
    return ordered({key: CONFIG[key] for key in keys if key in CONFIG})


def contribution_tracks():
    """Name the contribution bigWigs; sequences without a genome have no coordinates."""
    if "sequences" in CONFIG or not CONFIG["attribution"]["bigwig"]:
        return []
    return expand(
        f"{ATTRIBUTE}/{{method}}.{{value}}.bw",
        task=TASKS,
        head=HEADS,
        method=METHODS,
        value=["mean", "spread"],
    )


def null_files(pattern):
    """Name a file of every draw of shuffled sequences."""
    return expand(pattern, null=NULLS, allow_missing=True)


def other_outputs(wildcards):
    """Name the patterns of the other tasks and heads."""
    own = f"{MOTIFS}/modisco.h5".format(**wildcards)
    paths = expand(f"{MOTIFS}/modisco.h5", task=TASKS, head=HEADS)
    return [path for path in paths if path != own]
