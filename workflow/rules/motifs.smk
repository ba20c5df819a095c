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
        motifs=ordered(CONFIG["motifs"]),
        code=code_digest("motifs.run"),
    script:
        "../scripts/annotate_motifs.py"
