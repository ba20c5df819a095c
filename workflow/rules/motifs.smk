# TF-MoDISco on the maps and, with the same settings, on the null maps; then matches and hits.
METHOD = CONFIG["motifs"]["method"]
DISCOVERY = {
    key: CONFIG["motifs"][key]
    for key in ("seqlets", "window", "leiden", "widths", "seed")
}
NULLS = [f"null{draw}." for draw in range(CONFIG["motifs"]["null_draws"])]


rule modisco:
    input:
        maps=f"{ATTRIBUTE}/{{null}}{METHOD}.attributions.h5",
        regions=f"{ATTRIBUTE}/{{null}}{METHOD}.regions.bed",
    output:
        f"{MOTIFS}/{{null}}modisco.h5",
    log:
        f"{LOGS}/modisco/{{task}}.{{head}}.{{null}}log",
    benchmark:
        f"{BENCH}/modisco/{{task}}.{{head}}.{{null}}tsv"
    conda:
        "../../envs/motifs.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 720 * attempt,
    params:
        motifs=ordered(DISCOVERY),
        code=code_digest("motifs.discover"),
    script:
        "../scripts/modisco.py"


rule annotate_motifs:
    input:
        patterns=f"{MOTIFS}/modisco.h5",
        null_patterns=[f"{MOTIFS}/{null}modisco.h5" for null in NULLS],
        maps=f"{ATTRIBUTE}/{METHOD}.attributions.h5",
        regions=f"{ATTRIBUTE}/{METHOD}.regions.bed",
        null_maps=[f"{ATTRIBUTE}/{null}{METHOD}.attributions.h5" for null in NULLS],
        database=FILES["database"],
    output:
        patterns=report(
            f"{MOTIFS}/patterns.tsv",
            caption="../report/patterns.rst",
            category="Motifs",
        ),
        meme=f"{MOTIFS}/patterns.meme",
        matches=f"{MOTIFS}/matches.tsv",
        expected=f"{MOTIFS}/expected.tsv",
        hits=f"{MOTIFS}/hits.tsv",
        bed=f"{MOTIFS}/hits.bed",
        compressed=f"{MOTIFS}/hits.bed.gz",
        index=f"{MOTIFS}/hits.bed.gz.tbi",
        decoys=f"{MOTIFS}/decoys.tsv",
        regions_table=f"{MOTIFS}/regions.tsv",
        seqlets=f"{MOTIFS}/seqlets.bed",
        summary=f"{MOTIFS}/summary.json",
    log:
        f"{LOGS}/annotate_motifs/{{task}}.{{head}}.log",
    benchmark:
        f"{BENCH}/annotate_motifs/{{task}}.{{head}}.tsv"
    conda:
        "../../envs/motifs.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        motifs=ordered(
            {
                key: CONFIG["motifs"][key]
                for key in CONFIG["motifs"]
                if key != "effects"
            }
        ),
        code=code_digest("motifs.run"),
    script:
        "../scripts/annotate_motifs.py"


# What instances do to the predictions of the networks that the maps explain.
rule instance_effects:
    input:
        maps=f"{ATTRIBUTE}/{METHOD}.attributions.h5",
        regions=f"{ATTRIBUTE}/{METHOD}.regions.bed",
        patterns=f"{MOTIFS}/modisco.h5",
        labels=f"{MOTIFS}/patterns.tsv",
        hits=f"{MOTIFS}/hits.tsv",
        dataset=f"{EXP}/data/dataset.json",
        models=models("model.json"),
        weights=models("model.safetensors"),
    output:
        ablation=f"{MOTIFS}/ablation.tsv",
        importance=f"{MOTIFS}/importance.tsv",
        elements=f"{MOTIFS}/elements.tsv",
        pairs=report(
            f"{MOTIFS}/pairs.tsv",
            caption="../report/pairs.rst",
            category="Motifs",
        ),
        summary=f"{MOTIFS}/effects.json",
    log:
        f"{LOGS}/instance_effects/{{task}}.{{head}}.log",
    benchmark:
        f"{BENCH}/instance_effects/{{task}}.{{head}}.tsv"
    conda:
        "../../envs/attribute.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        settings=ordered(CONFIG["motifs"]["effects"]),
        fdr=CONFIG["motifs"]["fdr"],
        trim=CONFIG["motifs"]["hits"]["trim"],
        seed=CONFIG["motifs"]["seed"],
        batch_size=CONFIG["attribution"]["batch_size"],
        code=code_digest("motifs.effects"),
    script:
        "../scripts/instance_effects.py"
