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
        candidates=ordered(list(CANDIDATES.values())),
        code=code_digest("training.evaluate", "external.store"),
    script:
        "../scripts/test_metrics.py"


rule report:
    input:
        data=[
            f"{EXP}/data/{name}"
            for name in ("inputs.json", "notices.json", "dropped.tsv", "regions.tsv")
        ],
        arrays=ARRAYS,
        candidates=f"{EXP}/train/candidates.tsv",
        training=models("metrics.json") + models("history.tsv") + models("model.json"),
        ranking=[
            f"{EXP}/rank/{name}"
            for name in (
                "verdict.json",
                "ranking.tsv",
                "panel.tsv",
                "families.tsv",
                "differences.tsv",
                "prediction.tsv",
                "disagreement.tsv",
                "disagreement.npz",
            )
        ],
        test=f"{EXP}/report/test_metrics.tsv",
        validation_maps=[f"{EXP}/rank/maps/{candidate}.npy" for candidate in CANDIDATES],
        maps=expand(
            f"{ATTRIBUTE}/{{method}}.attributions.h5",
            task=TASKS,
            head=HEADS,
            method=METHODS,
        ),
        agreement=expand(
            f"{ATTRIBUTE}/{{name}}.tsv",
            task=TASKS,
            head=HEADS,
            name=["agreement", "disagreement"],
        ),
        faithfulness=expand(
            f"{ATTRIBUTE}/faithfulness.tsv",
            task=TASKS if CONFIG["attribution"]["faithfulness"]["regions"] else [],
            head=HEADS,
        ),
        tracks=contribution_tracks(),
        patterns=expand(
            f"{MOTIFS}/{{null}}modisco.h5",
            task=TASKS,
            head=HEADS,
            null=["", *NULLS, *PERMUTED],
        ),
        motifs=expand(
            f"{MOTIFS}/{{name}}",
            task=TASKS,
            head=HEADS,
            name=[
                "summary.json",
                "patterns.tsv",
                "matches.tsv",
                "hits.tsv",
                "reproducibility.tsv",
                "saturation.tsv",
                "ablation.tsv",
                "importance.tsv",
                "pairs.tsv",
                "effects.json",
            ],
        ),
        variants=(
            [
                f"{EXP}/variants/{name}"
                for name in ("variants.tsv", "skipped.tsv", "summary.json")
            ]
            if "variants" in CONFIG
            else []
        ),
        truth=(
            [
                f"{SIM}/truth/{name}"
                for name in ("instances.bed", "mask.bw", "motifs.json", "variants.tsv")
            ]
            if SIM
            else []
        ),
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
        candidates=ordered(list(CANDIDATES.values())),
        code=code_digest("report.page"),
        template=template_digest(),
    script:
        "../scripts/report.py"
