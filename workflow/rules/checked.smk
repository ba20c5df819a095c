# The checked configuration, before anything else: a mistake in it ends the run with one sentence.
import sys
import time
from pathlib import Path

# The library stands beside the scripts; this file is workflow/rules/checked.smk of the same checkout.
sys.path.insert(0, str(Path(str(workflow.current_basedir)).parent / "scripts"))

from lucidna.codedigest import code_digest, files_digest
from lucidna.config import validate
from lucidna.errors import UserError
from lucidna.external.given_settings import given_files, given_maps
from lucidna.external.settings import expand_external, external_files, only_maps
from lucidna.grid import ordered
from lucidna.planning import check_output_folder
from lucidna.runtime import errors_since

try:
    CONFIG = validate(config)
    EXTERNAL_FILES = {
        name: external_files(entry, f"external.{name}")
        for name, entry in CONFIG.get("external", {}).items()
    }
    GIVEN_FILES = {
        name: given_files(entry, f"maps.{name}")
        for name, entry in CONFIG.get("maps", {}).items()
    }
    for folder in ("results", "logs") if workflow.is_main_process else ():
        check_output_folder(f"{folder}/{CONFIG['experiment']}")
except UserError as error:
    # One sentence is all that the user needs; an exception would come with lines of this file.
    sys.exit(f"error: {error}")

GIVEN = given_maps(CONFIG)
MAPS_ONLY = not GIVEN and only_maps(CONFIG)
EXP = f"results/{CONFIG['experiment']}"
LOGS = f"logs/{CONFIG['experiment']}"
BENCH = f"{EXP}/benchmarks"
STARTED = time.time()


def template_digest():
    """Digest the report's template: a change of its looks writes the page anew."""
    folder = Path(str(workflow.current_basedir)).parents[1] / "resources" / "report"
    return files_digest(folder)


# What Snakemake says of a failed job buries the sentence that tells what to do: it goes last.
onerror:
    for sentence in errors_since(LOGS, STARTED):
        print(sentence, file=sys.stderr)
