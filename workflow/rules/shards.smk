# The maps of a large set in several jobs: each explains a share of the regions, one averages all members. What they
# write is what the one job of `attribute` would.
ruleorder: join_shards > attribute


scattergather:
    shards=CONFIG["attribution"]["shards"],


rule attribute_shard:
    input:
        ARRAYS,
        folds=expand(f"{EXP}/data/folds/{{fold}}.tsv", fold=FOLDS),
        verdict=f"{EXP}/rank/verdict.json",
        models=models("model.json"),
        weights=models("model.safetensors"),
    output:
        temp(f"{ATTRIBUTE}/shards/{{null}}{{method}}.{{scatteritem}}.h5"),
    log:
        f"{LOGS}/attribute_shard/{{task}}.{{head}}.{{null}}{{method}}.{{scatteritem}}.log",
    benchmark:
        f"{BENCH}/attribute_shard/{{task}}.{{head}}.{{null}}{{method}}.{{scatteritem}}.tsv"
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
        code=code_digest("attribution.shards", "external.store"),
    script:
        "../scripts/attribute_shard.py"


rule join_shards:
    input:
        ARRAYS,
        folds=expand(f"{EXP}/data/folds/{{fold}}.tsv", fold=FOLDS),
        verdict=f"{EXP}/rank/verdict.json",
        shards=gather.shards(
            f"{ATTRIBUTE}/shards/{{null}}{{method}}.{{scatteritem}}.h5",
            allow_missing=True,
        ),
    output:
        maps=f"{ATTRIBUTE}/{{null}}{{method}}.attributions.h5",
        regions=f"{ATTRIBUTE}/{{null}}{{method}}.regions.bed",
        summary=f"{ATTRIBUTE}/{{null}}{{method}}.summary.json",
    log:
        f"{LOGS}/join_shards/{{task}}.{{head}}.{{null}}{{method}}.log",
    benchmark:
        f"{BENCH}/join_shards/{{task}}.{{head}}.{{null}}{{method}}.tsv"
    conda:
        "../../envs/attribute.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        arguments=lambda wildcards: ordered(
            CONFIG["attribution"]["methods"][wildcards.method]
        ),
        models=CONFIG["attribution"]["models"],
        regions=CONFIG["attribution"]["regions"],
        average=CONFIG["attribution"]["average"],
        seed=CONFIG["attribution"]["seed"],
        folds={candidate: entry["fold"] for candidate, entry in CANDIDATES.items()},
        code=code_digest("attribution.shards"),
    script:
        "../scripts/join_shards.py"
