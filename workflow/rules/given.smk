# Maps that a user brings: checked, written as the maps of this workflow, and interpreted without any network.
rule given_maps:
    input:
        files=brought_files,
        genome=FILES["genome"],
    output:
        maps=f"{ATTRIBUTE}/{{null}}{METHOD}.attributions.h5",
        regions=f"{ATTRIBUTE}/{{null}}{METHOD}.regions.bed",
        summary=f"{ATTRIBUTE}/{{null}}{METHOD}.summary.json",
    log:
        f"{LOGS}/given_maps/{{task}}.{{head}}.{{null}}log",
    benchmark:
        f"{BENCH}/given_maps/{{task}}.{{head}}.{{null}}tsv"
    conda:
        "../../envs/attribute.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        name=entry_of,
        entry=lambda wildcards: ordered(CONFIG["maps"][entry_of(wildcards)]),
        genome=ordered(CONFIG.get("genome")),
        code=code_digest("external.given"),
    script:
        "../scripts/given_maps.py"


rule report_given:
    input:
        maps=of_all_maps(f"{ATTRIBUTE}/{METHOD}.summary.json"),
        patterns=of_all_maps(f"{MOTIFS}/modisco.h5"),
        motifs=of_all_maps(f"{MOTIFS}/summary.json"),
    output:
        report(
            f"{EXP}/report/report.html",
            caption="../report/given.rst",
            category="Report",
        ),
    log:
        f"{LOGS}/report_given.log",
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        config=CONFIG,
        candidates=[],
        code=code_digest("report.page"),
        template=template_digest(),
    script:
        "../scripts/report.py"
