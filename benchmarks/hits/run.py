"""Run the workflow on every simulated data set of the benchmark of hits, and compare its hits with the truth.

PYTHONPATH=workflow/scripts python benchmarks/hits/run.py [--minutes 15] [--only easy_201,hard_203] [--pilot | --larger]
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import yaml
from hitbench.compare import compare
from hitbench.tables import write_results

from lucidna.codedigest import code_digest
from lucidna.config import validate
from lucidna.files import write_tsv
from lucidna.grid import expand_grid

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MARKER = "code.txt"
SHEET = "name\tbigwig\tkind\naccessibility\tsimulate/accessibility.bw\tcounts\n"


def data_sets(settings, *, pilot=False, larger=False):
    """Return name -> (difficulty, seed) of the data sets; interleaved, so that every slice holds all difficulties."""
    if larger:
        known = data_sets(settings)
        return {f"larger_{name}": known[name] for name in settings["larger"]["data_sets"]}
    if pilot:
        chosen = settings["pilot"]
        return {f"pilot_{chosen['data_seed']}": (chosen["difficulty"], chosen["data_seed"])}
    return {
        f"{difficulty}_{seed}": (difficulty, seed)
        for seed in settings["data_seeds"]
        for difficulty in settings["difficulties"]
    }


def write_config(folder, name, difficulty, seed, settings):
    """Write the configuration of one data set, with all its networks mapped, and return its path."""
    made = f"results/{name}/simulate"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tracks.tsv").write_text(SHEET.replace("simulate/", f"{made}/"))
    config = {
        "experiment": name,
        "simulate": {"seed": seed, "difficulty": difficulty, **settings["simulate"]},
        "genome": {"fasta": f"{made}/genome.fa"},
        "tracks": str(folder.resolve() / "tracks.tsv"),
        **settings["workflow"],
    }
    config["regions"] = {"peaks": f"{made}/peaks.narrowPeak", **config["regions"]}
    # Without controls the verdict may choose nobody: the hits are those of all networks.
    config["attribution"] = {**config["attribution"], "models": list(expand_grid(validate(config)))}
    path = folder / "config.yaml"
    text = yaml.safe_dump(config, sort_keys=False)
    if not path.is_file() or path.read_text() != text:
        path.write_text(text)
    return path


def run_workflow(folder, name, *, cores):
    """Run the workflow as far as the hits; Snakemake goes on where an earlier call was stopped."""
    motifs = f"results/{name}/motifs/accessibility/counts"
    wanted = [f"{motifs}/{file}" for file in ("hits.tsv", "pairs.tsv")]
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    command += ["--cores", str(cores), "--configfile", str(folder / "config.yaml"), "--rerun-incomplete"]
    with (folder / "snakemake.log").open("w") as log:
        subprocess.run([*command, "--quiet", "rules", "--", *wanted], check=True, stdout=log, stderr=subprocess.STDOUT)


def _made_by(folder):
    """Return the digest of the code that made a data set; empty when that is not known."""
    marker = folder / MARKER
    return marker.read_text() if marker.is_file() else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no data set after this time")
    parser.add_argument("--only", default="", help="names of data sets, with commas between")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--pilot", action="store_true", help="the data set on which settings were chosen, printed only")
    which.add_argument("--larger", action="store_true", help="data sets with more peaks, with tables of their own")
    parser.add_argument("--compare", action="store_true", help="compare again what has been run, and run nothing")
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    settings = yaml.safe_load((HERE / "config.yaml").read_text())
    work, results, started = ROOT / settings["work"], ROOT / settings["results"], time.monotonic()
    if arguments.larger:
        settings["simulate"] |= settings["larger"]["simulate"]
        results = ROOT / settings["larger"]["results"]
    code = code_digest("simulate.generate", "training.run", "attribution.run", "motifs.run", "motifs.effects")
    known = data_sets(settings, pilot=arguments.pilot, larger=arguments.larger)
    chosen = {name: known[name] for name in arguments.only.split(",")} if arguments.only else known
    for name, (difficulty, seed) in chosen.items():
        folder = work / name
        done = (folder / "compared.tsv").is_file()
        if not done if arguments.compare else done and _made_by(folder) == code:
            continue
        if time.monotonic() - started > 60 * arguments.minutes:
            print(f"the time is up before {name}: call again to go on")
            break
        begun = time.monotonic()
        if not arguments.compare:
            write_config(folder, name, difficulty, seed, settings)
            run_workflow(folder, name, cores=arguments.cores)
            (folder / MARKER).write_text(code)
        tables = compare(folder / "results" / name, settings)
        for label, table in tables.items():
            facts = {"difficulty": difficulty, "data_seed": seed}
            write_tsv(folder / f"{label}.tsv", table.assign(**facts)[[*facts, *table.columns]])
        print(f"{name}: {time.monotonic() - begun:.0f} s", flush=True)
    # What other code has made stands in no table beside what this code makes.
    names = [name for name in known if arguments.compare or _made_by(work / name) == code]
    write_results(work, names, None if arguments.pilot else results)


if __name__ == "__main__":
    main()
