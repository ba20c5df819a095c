# Inputs -> one set of arrays, every row carrying its region id.
SEED = CONFIG.get("sequences", {}).get("seed", 0)

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
            variants=f"{SIM}/variants.vcf",
            true_variants=f"{SIM}/truth/variants.tsv",
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


# Snakemake removes what a job will write before the job starts. The check is a job of its own, so that a mistake
# in the inputs leaves the arrays as they were. It runs when `make_dataset` has to, and only then: its output is
# temporary, its inputs are no user's files and its params are functions of `input`, which Snakemake does not compare
# between runs. Had it reasons of its own, a mistake put right would make the arrays anew, and with them every
# training; and were it tied by ancient() instead, Snakemake would not look at the params of the jobs behind it.
rule check_inputs:
    input:
        rules.simulate.output if SIM else [],
    output:
        temp(f"{EXP}/data/checked.json"),
    log:
        f"{LOGS}/check_inputs.log",
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        settings=lambda wildcards, input: data_settings(),
        folds=lambda wildcards, input: ordered(SPLITS),
        variants=lambda wildcards, input: FILES["variants"],
    script:
        "../scripts/check_inputs.py"


rule make_dataset:
    input:
        checked=f"{EXP}/data/checked.json",
        files=FILES["genome"]
        + FILES["peaks"]
        + FILES["blacklist"]
        + FILES["sheet"]
        + FILES["tracks"]
        + FILES["controls"]
        + FILES["sequences"],
    output:
        ARRAYS,
        inputs=f"{EXP}/data/inputs.json",
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
        code=code_digest("prepare", "dataset_files", "reporter"),
    script:
        "../scripts/make_dataset.py"


# As for the inputs: a fold without regions ends the run before its table is replaced, and, since every check looks at
# all folds, before a training of another fold begins.
rule check_folds:
    input:
        rows=f"{EXP}/data/rows.tsv",
        inputs=f"{EXP}/data/inputs.json",
    output:
        temp(f"{EXP}/data/folds/{{fold}}.checked.json"),
    log:
        f"{LOGS}/check_folds/{{fold}}.log",
    priority: 10  # before what trains
    conda:
        "../../envs/data.yaml"
    params:
        folds=lambda wildcards, input: ordered(SPLITS),
        seed=lambda wildcards, input: SEED,
    script:
        "../scripts/check_folds.py"


rule split_fold:
    input:
        rows=f"{EXP}/data/rows.tsv",
        inputs=f"{EXP}/data/inputs.json",
        checked=f"{EXP}/data/folds/{{fold}}.checked.json",
    output:
        f"{EXP}/data/folds/{{fold}}.tsv",
    log:
        f"{LOGS}/split_fold/{{fold}}.log",
    priority: 10
    conda:
        "../../envs/data.yaml"
    params:
        fold=lambda wildcards: ordered(SPLITS[wildcards.fold]),
        seed=SEED,
        code=code_digest("folds", "files"),
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
