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


def other_outputs(wildcards):
    """Name the patterns of the other tasks and heads."""
    own = f"{MOTIFS}/modisco.h5".format(**wildcards)
    paths = expand(f"{MOTIFS}/modisco.h5", task=TASKS, head=HEADS)
    return [path for path in paths if path != own]


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
        motifs=ordered(CONFIG["motifs"]),
        candidates=ordered(CANDIDATES),
        code=code_digest("motifs.run"),
    script:
        "../scripts/annotate_motifs.py"
