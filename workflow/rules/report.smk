# The test split is read here for the first time, after the verdict is written.
rule test_metrics:
    input:
        ARRAYS,
        folds=expand(f"{EXP}/data/folds/{{fold}}.tsv", fold=FOLDS),
        verdict=f"{EXP}/rank/verdict.json",
        models=models("model.json"),
        weights=models("model.safetensors"),
    output:
        f"{EXP}/report/test_metrics.tsv",
    log:
        f"{LOGS}/test_metrics.log",
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        candidates=list(CANDIDATES.values()),
        code=code_digest("training.evaluate"),
    script:
        "../scripts/test_metrics.py"


rule report:
    input:
        f"{EXP}/data/inputs.json",
        f"{EXP}/data/regions.tsv",
        f"{EXP}/train/candidates.tsv",
        f"{EXP}/rank/panel.tsv",
        f"{EXP}/report/test_metrics.tsv",
        expand(
            f"{EXP}/attribute/{{task}}/{{head}}/{{method}}.attributions.h5",
            task=TASKS,
            head=HEADS,
            method=METHODS,
        ),
        expand(
            f"{EXP}/attribute/{{task}}/{{head}}/agreement.tsv", task=TASKS, head=HEADS
        ),
        contribution_tracks(),
        expand(f"{EXP}/motifs/{{task}}/{{head}}/summary.json", task=TASKS, head=HEADS),
    output:
        report(
            f"{EXP}/report/report.html",
            caption="../report/report.rst",
            category="Report",
        ),
    log:
        f"{LOGS}/report.log",
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        config=CONFIG,
        candidates=list(CANDIDATES.values()),
        code=code_digest("report.page"),
    script:
        "../scripts/report.py"
