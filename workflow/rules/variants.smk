# What the variants of a VCF do to the predictions of the chosen candidates, and to the motif instances.
rule variants:
    input:
        ARRAYS,
        vcf=FILES["variants"],
        genome=FILES["genome"],
        verdict=f"{EXP}/rank/verdict.json",
        models=models("model.json"),
        weights=models("model.safetensors"),
        hits=expand(
            f"{MOTIFS}/{{name}}",
            task=TASKS,
            head=HEADS,
            name=["hits.tsv", "patterns.tsv", "patterns.meme"],
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
        heads=HEADS,
        fdr=CONFIG["motifs"]["fdr"],
        batch_size=CONFIG["attribution"]["batch_size"],
        code=code_digest("variants.run"),
    script:
        "../scripts/variants.py"
