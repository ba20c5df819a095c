# lucidna: sequences and bigWigs -> training grid -> ranking -> attribution maps -> motifs -> report.
# Rules are in workflow/rules/, one file per stage; every key of the configuration is explained in config/README.md.
from snakemake.utils import min_version

min_version("9.19")

# A second --configfile is merged onto the first, so the demo's own file is read only when no data are named.
if not {"genome", "sequences", "external", "maps"} & set(config):

    configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/checked.smk"


if GIVEN:

    include: "workflow/rules/given_common.smk"
    include: "workflow/rules/given.smk"
    include: "workflow/rules/motifs.smk"

elif not MAPS_ONLY:

    include: "workflow/rules/common.smk"
    include: "workflow/rules/data.smk"
    include: "workflow/rules/train.smk"
    include: "workflow/rules/rank.smk"
    include: "workflow/rules/attribute.smk"

    if CONFIG["attribution"]["shards"] > 1:

        include: "workflow/rules/shards.smk"
    include: "workflow/rules/motifs.smk"
    include: "workflow/rules/again.smk"
    include: "workflow/rules/effects.smk"

    if "variants" in CONFIG:

        include: "workflow/rules/variants.smk"
    include: "workflow/rules/report.smk"


include: "workflow/rules/external.smk"


rule all:
    default_target: True
    input:
        rules.rank_external.input if MAPS_ONLY else final_outputs(),
