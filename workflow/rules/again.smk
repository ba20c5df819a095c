# TF-MoDISco on the maps of single candidates and of further methods, with fewer seqlets: which patterns come again.
rule method_patterns:
    input:
        maps=f"{ATTRIBUTE}/{{method}}.attributions.h5",
    output:
        f"{MOTIFS}/methods/{{method}}.modisco.h5",
    log:
        f"{LOGS}/method_patterns/{{task}}.{{head}}.{{method}}.log",
    benchmark:
        f"{BENCH}/method_patterns/{{task}}.{{head}}.{{method}}.tsv"
    conda:
        "../../envs/motifs.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        motifs=ordered({**DISCOVERY, "seqlets": AGAIN["seqlets"]}),
        code=code_digest("motifs.again"),
    script:
        "../scripts/patterns_again.py"


# Which candidates are members is known only when the ranking is done, so one job makes the maps of all of them.
rule member_maps:
    input:
        ARRAYS,
        folds=expand(f"{EXP}/data/folds/{{fold}}.tsv", fold=FOLDS),
        verdict=f"{EXP}/rank/verdict.json",
        models=models("model.json"),
        weights=models("model.safetensors"),
    output:
        temp(directory(f"{ATTRIBUTE}/members")),
    log:
        f"{LOGS}/member_maps/{{task}}.{{head}}.log",
    benchmark:
        f"{BENCH}/member_maps/{{task}}.{{head}}.tsv"
    conda:
        "../../envs/attribute.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        method=AGAIN["method"],
        arguments=ordered(
            {
                **CONFIG["attribution"]["methods"].get(AGAIN["method"], {}),
                "max_regions": AGAIN["regions"],
            }
        ),
        models=CONFIG["attribution"]["models"],
        regions=CONFIG["attribution"]["regions"],
        average=CONFIG["attribution"]["average"],
        seed=CONFIG["attribution"]["seed"],
        batch_size=CONFIG["attribution"]["batch_size"],
        folds={candidate: entry["fold"] for candidate, entry in CANDIDATES.items()},
        code=code_digest("attribution.each", "external.store"),
    script:
        "../scripts/member_maps.py"


rule member_patterns:
    input:
        maps=f"{ATTRIBUTE}/members",
    output:
        directory(f"{MOTIFS}/members"),
    log:
        f"{LOGS}/member_patterns/{{task}}.{{head}}.log",
    benchmark:
        f"{BENCH}/member_patterns/{{task}}.{{head}}.tsv"
    conda:
        "../../envs/motifs.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 720 * attempt,
    params:
        motifs=ordered({**DISCOVERY, "seqlets": AGAIN["seqlets"]}),
        code=code_digest("motifs.again"),
    script:
        "../scripts/patterns_again.py"
