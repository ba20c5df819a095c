# What an experiment of maps made elsewhere has in place of a grid, and the functions that name its files.
from lucidna.external.given_settings import METHOD
from lucidna.planning import interpretation_files

try:
    FILES = interpretation_files(CONFIG)
except UserError as error:
    sys.exit(f"error: {error}")

ENTRIES = {
    (entry["task"], entry["head"]): name for name, entry in CONFIG["maps"].items()
}
ATTRIBUTE = f"{EXP}/attribute/{{task}}/{{head}}"
MOTIFS = f"{EXP}/motifs/{{task}}/{{head}}"
# There are no candidates, and no further methods, whose maps could show the patterns again.
CANDIDATES = {}
EXTERNAL = {}
AGAIN = {"candidates": False}
FURTHER = []


wildcard_constraints:
    task=r"[A-Za-z0-9_.-]+",
    head="logit|counts|profile",
    null=r"|null0\.",


def entry_of(wildcards):
    """Name the entry of `maps` that a task and head are of."""
    return ENTRIES[wildcards.task, wildcards.head]


def brought_files(wildcards):
    """Name the files that the maps, or those of shuffled sequences, are made from."""
    files = GIVEN_FILES[entry_of(wildcards)]
    return files["real"] + (files["shuffled"] if wildcards.null else [])


def null_files(pattern):
    """Name a file of the maps of shuffled sequences, where the user has given some."""

    def found(wildcards):
        shuffled = CONFIG["maps"][entry_of(wildcards)]["shuffled"]
        return [pattern.format(null="null0.", **wildcards)] if shuffled else []

    return found


def of_all_maps(pattern):
    """Name a file of every task and head."""
    return [pattern.format(task=task, head=head) for task, head in ENTRIES]


def other_outputs(wildcards):
    """Name the patterns of the other tasks and heads."""
    own = f"{MOTIFS}/modisco.h5".format(**wildcards)
    return [path for path in of_all_maps(f"{MOTIFS}/modisco.h5") if path != own]


def final_outputs():
    """Name what `rule all` asks for."""
    return [f"{EXP}/report/report.html"]
