# TF-MoDISco on the maps and, with the same settings, on both kinds of null maps; the same on the maps of single
# candidates and of further methods, with fewer seqlets; then labels, matches and hits.
METHOD = CONFIG["motifs"]["method"]
DISCOVERY = {
    key: CONFIG["motifs"][key]
    for key in ("seqlets", "window", "leiden", "widths", "seed")
}
NULLS = [f"null{draw}." for draw in range(CONFIG["motifs"]["null_draws"])]
PERMUTED = [f"permuted{draw}." for draw in range(CONFIG["motifs"]["permuted_draws"])]
AGAIN = CONFIG["motifs"]["reproducibility"]
FURTHER = [method for method in METHODS if method != METHOD and AGAIN["methods"]]


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


rule modisco_permuted:
    input:
        maps=f"{ATTRIBUTE}/{METHOD}.attributions.h5",
    output:
        f"{MOTIFS}/permuted{{draw}}.modisco.h5",
    log:
        f"{LOGS}/modisco/{{task}}.{{head}}.permuted{{draw}}.log",
    benchmark:
        f"{BENCH}/modisco/{{task}}.{{head}}.permuted{{draw}}.tsv"
    wildcard_constraints:
        draw=r"\d+",
    conda:
        "../../envs/motifs.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 720 * attempt,
    params:
        motifs=ordered(DISCOVERY),
        permute=lambda wildcards: int(wildcards.draw),
        code=code_digest("motifs.discover"),
    script:
        "../scripts/modisco.py"


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
        code=code_digest("attribution.each"),
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


rule annotate_motifs:
    input:
        patterns=f"{MOTIFS}/modisco.h5",
        null_patterns=[f"{MOTIFS}/{null}modisco.h5" for null in NULLS],
        maps=f"{ATTRIBUTE}/{METHOD}.attributions.h5",
        regions=f"{ATTRIBUTE}/{METHOD}.regions.bed",
        null_maps=[f"{ATTRIBUTE}/{null}{METHOD}.attributions.h5" for null in NULLS],
        permuted_patterns=[f"{MOTIFS}/{null}modisco.h5" for null in PERMUTED],
        members=[f"{MOTIFS}/members"] if AGAIN["candidates"] else [],
        methods=[f"{MOTIFS}/methods/{method}.modisco.h5" for method in FURTHER],
        outputs=other_outputs,
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
        reproducibility=f"{MOTIFS}/reproducibility.tsv",
        saturation=f"{MOTIFS}/saturation.tsv",
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
        candidates=ordered(CANDIDATES),
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
