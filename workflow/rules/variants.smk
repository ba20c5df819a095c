# What the variants of a VCF do to the predictions of the chosen candidates, and to the motif instances.
from lucidna.variants.fields import check_names

try:
    check_names(
        task_names({**CONFIG, "attribution": {**CONFIG["attribution"], "tasks": "all"}})
    )
except UserError as error:
    sys.exit(f"error: {error}")


# The VCF is read with the other inputs, before anything is trained (rule check_inputs). One that comes or changes
# when the arrays are there is read here, ahead of what is left to train, and before Snakemake removes what an earlier
# one gave. The arrays are read for their order alone: mistakes in the other inputs are told once.
rule check_variants:
    input:
        dataset=f"{EXP}/data/dataset.json",
        vcf=FILES["variants"],
        genome=FILES["genome"],
    output:
        temp(f"{EXP}/variants/checked.json"),
    log:
        f"{LOGS}/check_variants.log",
    priority: 10  # before what trains
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        aliases=lambda wildcards, input: CONFIG["genome"]["aliases"],
        window=lambda wildcards, input: CONFIG["window"]["input"],
    script:
        "../scripts/check_variants.py"


rule variants:
    input:
        ARRAYS,
        checked=f"{EXP}/variants/checked.json",
        vcf=FILES["variants"],
        genome=FILES["genome"],
        verdict=f"{EXP}/rank/verdict.json",
        models=models("model.json"),
        weights=models("model.safetensors"),
        hits=expand(
            f"{MOTIFS}/{{name}}",
            task=TASKS,
            head=HEADS,
            name=["hits.tsv", "regions.tsv", "patterns.tsv", "patterns.meme"],
        ),
    output:
        table=f"{EXP}/variants/variants.tsv",
        skipped=f"{EXP}/variants/skipped.tsv",
        vcf=f"{EXP}/variants/variants.vcf.gz",
        index=f"{EXP}/variants/variants.vcf.gz.tbi",
        summary=f"{EXP}/variants/summary.json",
    log:
        f"{LOGS}/variants.log",
    benchmark:
        f"{BENCH}/variants.tsv"
    conda:
        "../../envs/attribute.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        genome=CONFIG.get("genome"),
        models=CONFIG["attribution"]["models"],
        known=list(CANDIDATES),
        tasks=TASKS,
        heads=HEADS,
        fdr=CONFIG["motifs"]["fdr"],
        batch_size=CONFIG["attribution"]["batch_size"],
        code=code_digest("variants.run", "external.store"),
    script:
        "../scripts/variants.py"
