# Which candidates generalize, and which maps can be believed: validation regions only.
rule rank_regions:
    input:
        ARRAYS,
        f"{EXP}/data/folds/{{fold}}.tsv",
    output:
        f"{EXP}/rank/regions/{{fold}}.tsv",
    log:
        f"{LOGS}/rank_regions/{{fold}}.log",
    conda:
        "../../envs/rank.yaml"
    params:
        n=CONFIG["ranking"]["regions"],
        seed=CONFIG["ranking"]["seed"],
        code=code_digest("ranking.maps", "dataset", "files"),
    script:
        "../scripts/rank_regions.py"


rule validation_maps:
    input:
        ARRAYS,
        regions=lambda wildcards: f"{EXP}/rank/regions/{CANDIDATES[wildcards.candidate]['fold']}.tsv",
        model=f"{EXP}/train/{{candidate}}/model.json",
        weights=f"{EXP}/train/{{candidate}}/model.safetensors",
    output:
        maps=f"{EXP}/rank/maps/{{candidate}}.npy",
        shuffled=(
            [f"{EXP}/rank/shuffled/{{candidate}}.npy"]
            if CONFIG["ranking"]["shuffled"]
            else []
        ),
    log:
        f"{LOGS}/validation_maps/{{candidate}}.log",
    conda:
        "../../envs/rank.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        head=ranking_heads(CONFIG),
        seed=CONFIG["ranking"]["seed"],
        code=code_digest(
            "ranking.maps", "ranking.shuffles", "external.store", "dataset"
        ),
    script:
        "../scripts/validation_maps.py"


# Stability and faithfulness of the maps: what the maps alone do not tell, shown in the panel and never scored.
rule probe:
    input:
        ARRAYS,
        fold=lambda wildcards: f"{EXP}/data/folds/{CANDIDATES[wildcards.candidate]['fold']}.tsv",
        regions=expand(f"{EXP}/rank/regions/{{fold}}.tsv", fold=FOLDS),
        metrics=f"{EXP}/train/{{candidate}}/metrics.json",
        model=f"{EXP}/train/{{candidate}}/model.json",
        weights=f"{EXP}/train/{{candidate}}/model.safetensors",
    output:
        f"{EXP}/rank/probes/{{candidate}}.npz",
    log:
        f"{LOGS}/probe/{{candidate}}.log",
    benchmark:
        f"{BENCH}/probe/{{candidate}}.tsv"
    conda:
        "../../envs/rank.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        candidate=lambda wildcards: ordered(CANDIDATES[wildcards.candidate]),
        head=ranking_heads(CONFIG),
        settings=ordered(CONFIG["ranking"]["probes"]),
        seed=CONFIG["ranking"]["seed"],
        code=code_digest("ranking.probes.run", "external.store"),
    script:
        "../scripts/probe.py"


rule rank:
    input:
        metrics=models("metrics.json"),
        valid=models("valid.npz"),
        maps=[f"{EXP}/rank/maps/{candidate}.npy" for candidate in CANDIDATES],
        probes=[
            f"{EXP}/rank/probes/{candidate}.npz"
            for candidate in RANKED
            if CONFIG["ranking"]["probes"]["regions"]
        ],
        shuffled=[
            f"{EXP}/rank/shuffled/{candidate}.npy"
            for candidate in CANDIDATES
            if CONFIG["ranking"]["shuffled"]
        ],
        regions=expand(f"{EXP}/rank/regions/{{fold}}.tsv", fold=FOLDS),
    output:
        panel=report(
            f"{EXP}/rank/panel.tsv",
            caption="../report/ranking.rst",
            category="Ranking",
        ),
        ranking=report(
            f"{EXP}/rank/ranking.tsv",
            caption="../report/ranking.rst",
            category="Ranking",
        ),
        families=f"{EXP}/rank/families.tsv",
        differences=f"{EXP}/rank/differences.tsv",
        disagreement=f"{EXP}/rank/disagreement.tsv",
        disagreement_maps=f"{EXP}/rank/disagreement.npz",
        prediction=f"{EXP}/rank/prediction.tsv",
        verdict=f"{EXP}/rank/verdict.json",
        pareto=report(
            f"{EXP}/rank/pareto.png",
            caption="../report/pareto.rst",
            category="Ranking",
        ),
    log:
        f"{LOGS}/rank.log",
    benchmark:
        f"{BENCH}/rank.tsv"
    conda:
        "../../envs/rank.yaml"
    threads: 2
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        candidates=ordered(list(CANDIDATES.values())),
        ranking=ordered(CONFIG["ranking"]),
        code=code_digest("ranking.panel", "ranking.stage", "dataset"),
    script:
        "../scripts/rank.py"
