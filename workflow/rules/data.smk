# Inputs -> one set of arrays, every row carrying its region id.
if SIM:

    rule simulate:
        output:
            genome=f"{SIM}/genome.fa",
            peaks=f"{SIM}/peaks.narrowPeak",
            tracks=[
                f"{SIM}/{name}.bw"
                for name in ("accessibility", "cuts_plus", "cuts_minus")
            ],
            database=f"{SIM}/database.meme",
            instances=f"{SIM}/truth/instances.bed",
            mask=f"{SIM}/truth/mask.bw",
            motifs=f"{SIM}/truth/motifs.json",
            summary=f"{SIM}/truth/summary.json",
        log:
            f"{LOGS}/simulate.log",
        conda:
            "../../envs/data.yaml"
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            simulate=ordered(CONFIG["simulate"]),
            code=code_digest("simulate"),
        script:
            "../scripts/simulate.py"


rule check_inputs:
    input:
        FILES["genome"],
        FILES["peaks"],
        FILES["blacklist"],
        FILES["sheet"],
        FILES["tracks"],
        FILES["controls"],
        FILES["sequences"],
        FILES["database"],
    output:
        f"{EXP}/data/inputs.json",
    log:
        f"{LOGS}/check_inputs.log",
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        settings=data_settings(),
        folds=ordered(CONFIG["folds"]),
        code=code_digest("checks"),
    script:
        "../scripts/check_inputs.py"


rule make_dataset:
    input:
        checked=ancient(f"{EXP}/data/inputs.json"),
        files=FILES["genome"]
        + FILES["peaks"]
        + FILES["blacklist"]
        + FILES["sheet"]
        + FILES["tracks"]
        + FILES["controls"]
        + FILES["sequences"],
    output:
        ARRAYS,
        dropped=f"{EXP}/data/dropped.tsv",
        notices=f"{EXP}/data/notices.json",
    log:
        f"{LOGS}/make_dataset.log",
    benchmark:
        f"{BENCH}/make_dataset.tsv"
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        settings=data_settings(),
        code=code_digest("prepare", "dataset", "reporter"),
    script:
        "../scripts/make_dataset.py"


rule split_fold:
    input:
        rows=f"{EXP}/data/rows.tsv",
        checked=ancient(f"{EXP}/data/inputs.json"),
    output:
        f"{EXP}/data/folds/{{fold}}.tsv",
    log:
        f"{LOGS}/split_fold/{{fold}}.log",
    conda:
        "../../envs/data.yaml"
    params:
        fold=lambda wildcards: ordered(SPLITS[wildcards.fold]),
        seed=CONFIG.get("sequences", {}).get("seed", 0),
        code=code_digest("folds"),
    script:
        "../scripts/split_fold.py"


rule regions_table:
    input:
        rows=f"{EXP}/data/rows.tsv",
        folds=expand(f"{EXP}/data/folds/{{fold}}.tsv", fold=FOLDS),
    output:
        f"{EXP}/data/regions.tsv",
    log:
        f"{LOGS}/regions_table.log",
    conda:
        "../../envs/data.yaml"
    params:
        folds=FOLDS,
        code=code_digest("prepare"),
    script:
        "../scripts/regions_table.py"
