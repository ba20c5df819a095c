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
        code=code_digest("ranking.maps"),
    script:
        "../scripts/rank_regions.py"


rule validation_maps:
    input:
        ARRAYS,
        regions=lambda wildcards: f"{EXP}/rank/regions/{CANDIDATES[wildcards.candidate]['fold']}.tsv",
        model=f"{EXP}/train/{{candidate}}/model.json",
        weights=f"{EXP}/train/{{candidate}}/model.safetensors",
    output:
        f"{EXP}/rank/maps/{{candidate}}.npy",
    log:
        f"{LOGS}/validation_maps/{{candidate}}.log",
    conda:
        "../../envs/rank.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        head=ranking_head(CONFIG),
        code=code_digest("ranking.maps"),
    script:
        "../scripts/validation_maps.py"


rule rank:
    input:
        metrics=models("metrics.json"),
        valid=models("valid.npz"),
        maps=[f"{EXP}/rank/maps/{candidate}.npy" for candidate in CANDIDATES],
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
        code=code_digest("ranking.panel", "ranking.figure"),
    script:
        "../scripts/rank.py"
