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
        code=code_digest("motifs.effects", "external.store", "attribution.hdf5"),
    script:
        "../scripts/instance_effects.py"
