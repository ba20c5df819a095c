# TF-MoDISco on the maps and, with the same settings, on both kinds of null maps; then labels, matches and hits.
DISCOVERY = {
    key: CONFIG["motifs"][key]
    for key in ("seqlets", "window", "leiden", "widths", "seed")
}
FEWER = {
    f"fewer{number}": share
    for number, share in enumerate(CONFIG["motifs"]["saturation"])
}
PERMUTED = [f"permuted{draw}." for draw in range(CONFIG["motifs"]["permuted_draws"])]


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


# On a share of the regions, to see which patterns need them all.
rule modisco_fewer:
    input:
        maps=f"{ATTRIBUTE}/{METHOD}.attributions.h5",
    output:
        f"{MOTIFS}/{{fewer}}.modisco.h5",
    log:
        f"{LOGS}/modisco/{{task}}.{{head}}.{{fewer}}.log",
    wildcard_constraints:
        fewer=r"fewer\d+",
    conda:
        "../../envs/motifs.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 720 * attempt,
    params:
        motifs=ordered(DISCOVERY),
        share=lambda wildcards: FEWER[wildcards.fewer],
        code=code_digest("motifs.discover"),
    script:
        "../scripts/modisco.py"


rule annotate_motifs:
    input:
        patterns=f"{MOTIFS}/modisco.h5",
        null_patterns=null_files(f"{MOTIFS}/{{null}}modisco.h5"),
        maps=f"{ATTRIBUTE}/{METHOD}.attributions.h5",
        regions=f"{ATTRIBUTE}/{METHOD}.regions.bed",
        null_maps=null_files(f"{ATTRIBUTE}/{{null}}{METHOD}.attributions.h5"),
        permuted_patterns=[f"{MOTIFS}/{null}modisco.h5" for null in PERMUTED],
        fewer=[f"{MOTIFS}/{name}.modisco.h5" for name in FEWER],
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
        shares=list(FEWER.values()),
        candidates=ordered(CANDIDATES),
        code=code_digest("motifs.run", "motifs.again"),
    script:
        "../scripts/annotate_motifs.py"
