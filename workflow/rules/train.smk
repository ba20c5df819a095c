# One Lightning run per candidate; random-weight controls pass through the same rule. Those of a stack have a rule of
# their own.
rule train:
    input:
        ARRAYS,
        fold=lambda wildcards: f"{EXP}/data/folds/{CANDIDATES[wildcards.candidate]['fold']}.tsv",
        distillation=lambda wildcards: distillation_of(wildcards.candidate),
        members=lambda wildcards: dynamic_members(wildcards.candidate),
    output:
        weights=f"{EXP}/train/{{candidate}}/model.safetensors",
        model=f"{EXP}/train/{{candidate}}/model.json",
        metrics=f"{EXP}/train/{{candidate}}/metrics.json",
        history=f"{EXP}/train/{{candidate}}/history.tsv",
        valid=f"{EXP}/train/{{candidate}}/valid.npz",
    log:
        f"{LOGS}/train/{{candidate}}.log",
    benchmark:
        f"{BENCH}/train/{{candidate}}.tsv"
    wildcard_constraints:
        candidate=unstacked_candidates(),
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 720 * attempt,
    params:
        candidate=lambda wildcards: ordered(CANDIDATES[wildcards.candidate]),
        code=code_digest("training.run"),
    script:
        "../scripts/train.py"


# All seeds of one architecture, recipe and fold in one job, where the config asks for it.
for stack, members in STACKS.items():

    rule:
        name:
            f"train_stacked_{stack}"
        input:
            ARRAYS,
            fold=f"{EXP}/data/folds/{CANDIDATES[members[0]]['fold']}.tsv",
        output:
            weights=trained_files(members, "model.safetensors"),
            model=trained_files(members, "model.json"),
            metrics=trained_files(members, "metrics.json"),
            history=trained_files(members, "history.tsv"),
            valid=trained_files(members, "valid.npz"),
        log:
            f"{LOGS}/train_stacked/{stack}.log",
        benchmark:
            f"{BENCH}/train_stacked/{stack}.tsv"
        conda:
            "../../envs/train.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt, seeds=len(members): (
                (2000 + 2000 * seeds) * attempt
            ),
            runtime=lambda wildcards, attempt: 1440 * attempt,
        params:
            candidates=[ordered(CANDIDATES[member]) for member in members],
            code=code_digest("training.stacked"),
        script:
            "../scripts/train_stacked.py"


# What the members of an ensemble say of the training and validation regions, once for all who learn from them.
rule distillation_targets:
    input:
        ARRAYS,
        fold=lambda wildcards: f"{EXP}/data/folds/{DISTILLED[wildcards.targets]['fold']}.tsv",
        models=lambda wildcards: member_files(wildcards.targets, "model.json"),
        weights=lambda wildcards: member_files(wildcards.targets, "model.safetensors"),
        metrics=lambda wildcards: member_files(wildcards.targets, "metrics.json"),
    output:
        f"{EXP}/distillation/{{targets}}.npz",
    log:
        f"{LOGS}/distillation_targets/{{targets}}.log",
    benchmark:
        f"{BENCH}/distillation_targets/{{targets}}.tsv"
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        targets=lambda wildcards: ordered(DISTILLED[wildcards.targets]),
        code=code_digest("training.distillation"),
    script:
        "../scripts/distillation_targets.py"


# The folds are read for their order alone: a mistake in the inputs leaves the table as it was.
rule candidates_table:
    input:
        expand(f"{EXP}/data/folds/{{fold}}.tsv", fold=FOLDS),
    output:
        f"{EXP}/train/candidates.tsv",
    log:
        f"{LOGS}/candidates_table.log",
    conda:
        "../../envs/data.yaml"
    params:
        candidates=ordered(list(CANDIDATES.values())),
        code=code_digest("grid", "files"),
    script:
        "../scripts/candidates_table.py"
