# Maps of the chosen candidates over the peaks, mean and spread; the null maps are of shuffled sequences.
rule attribute:
    input:
        ARRAYS,
        folds=expand(f"{EXP}/data/folds/{{fold}}.tsv", fold=FOLDS),
        verdict=f"{EXP}/rank/verdict.json",
        models=models("model.json"),
        weights=models("model.safetensors"),
    output:
        maps=f"{ATTRIBUTE}/{{null}}{{method}}.attributions.h5",
        regions=f"{ATTRIBUTE}/{{null}}{{method}}.regions.bed",
        summary=f"{ATTRIBUTE}/{{null}}{{method}}.summary.json",
    log:
        f"{LOGS}/attribute/{{task}}.{{head}}.{{null}}{{method}}.log",
    benchmark:
        f"{BENCH}/attribute/{{task}}.{{head}}.{{null}}{{method}}.tsv"
    conda:
        "../../envs/attribute.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        runtime=lambda wildcards, attempt: 720 * attempt,
    params:
        arguments=lambda wildcards: ordered(
            CONFIG["attribution"]["methods"][wildcards.method]
        ),
        models=CONFIG["attribution"]["models"],
        regions=CONFIG["attribution"]["regions"],
        average=CONFIG["attribution"]["average"],
        seed=CONFIG["attribution"]["seed"],
        batch_size=CONFIG["attribution"]["batch_size"],
        folds={candidate: entry["fold"] for candidate, entry in CANDIDATES.items()},
        code=code_digest("attribution.run", "external.store"),
    script:
        "../scripts/attribute.py"


rule contribution_tracks:
    input:
        maps=f"{ATTRIBUTE}/{{method}}.attributions.h5",
        regions=f"{ATTRIBUTE}/{{method}}.regions.bed",
        checked=f"{EXP}/data/inputs.json",
    output:
        mean=f"{ATTRIBUTE}/{{method}}.mean.bw",
        spread=f"{ATTRIBUTE}/{{method}}.spread.bw",
    log:
        f"{LOGS}/contribution_tracks/{{task}}.{{head}}.{{method}}.log",
    conda:
        "../../envs/attribute.yaml"
    params:
        code=code_digest("attribution.bigwig"),
    script:
        "../scripts/contribution_tracks.py"


rule npz_maps:
    input:
        maps=f"{ATTRIBUTE}/{{method}}.attributions.h5",
    output:
        onehot=f"{ATTRIBUTE}/{{method}}.ohe.npz",
        maps=f"{ATTRIBUTE}/{{method}}.attr.npz",
    log:
        f"{LOGS}/npz_maps/{{task}}.{{head}}.{{method}}.log",
    conda:
        "../../envs/attribute.yaml"
    params:
        code=code_digest("attribution.npz"),
    script:
        "../scripts/npz_maps.py"


rule compare_methods:
    input:
        maps=[f"{ATTRIBUTE}/{method}.attributions.h5" for method in METHODS],
    output:
        pairs=f"{ATTRIBUTE}/agreement.tsv",
        regions=f"{ATTRIBUTE}/disagreement.tsv",
    log:
        f"{LOGS}/compare_methods/{{task}}.{{head}}.log",
    conda:
        "../../envs/attribute.yaml"
    params:
        methods=METHODS,
        seed=CONFIG["attribution"]["seed"],
        code=code_digest("attribution.agreement"),
    script:
        "../scripts/compare_methods.py"


# On a sample of regions: insertion, deletion, mutagenesis, completeness and random weights, each beside its null.
rule faithfulness:
    input:
        ARRAYS,
        maps=[f"{ATTRIBUTE}/{method}.attributions.h5" for method in METHODS],
        verdict=f"{EXP}/rank/verdict.json",
        models=models("model.json"),
        weights=models("model.safetensors"),
    output:
        table=f"{ATTRIBUTE}/faithfulness.tsv",
        curves=f"{ATTRIBUTE}/curves.tsv",
        sample=f"{ATTRIBUTE}/sample.json",
    log:
        f"{LOGS}/faithfulness/{{task}}.{{head}}.log",
    benchmark:
        f"{BENCH}/faithfulness/{{task}}.{{head}}.tsv"
    conda:
        "../../envs/attribute.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        methods=METHODS,
        models=CONFIG["attribution"]["models"],
        known=list(CANDIDATES),
        sample=ordered(CONFIG["attribution"]["faithfulness"]),
        batch_size=CONFIG["attribution"]["batch_size"],
        seed=CONFIG["attribution"]["seed"],
        code=code_digest(
            "faithfulness.run", "external.store", "attribution.members", "dataset"
        ),
    script:
        "../scripts/faithfulness.py"
