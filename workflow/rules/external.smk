# Networks trained elsewhere: ranked by maps that exist, or brought into the panel of a grid.
if MAPS_ONLY:
    from lucidna.external.settings import described

    rule rank_external:
        input:
            f"{EXP}/rank/verdict.json",
            f"{EXP}/report/report.html",

    localrules:
        rank_external,

    rule rank_maps:
        input:
            maps=[path for files in EXTERNAL_FILES.values() for path in files],
            scores=[CONFIG["scores"]["table"]] if "scores" in CONFIG else [],
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
            verdict=f"{EXP}/rank/verdict.json",
            average=f"{EXP}/rank/average.attributions.h5",
            inputs=f"{EXP}/rank/inputs.json",
            pareto=report(
                f"{EXP}/rank/pareto.png",
                caption="../report/pareto.rst",
                category="Ranking",
            ),
        log:
            f"{LOGS}/rank_maps.log",
        benchmark:
            f"{BENCH}/rank_maps.tsv"
        conda:
            "../../envs/attribute.yaml"
        threads: 2
        resources:
            mem_mb=8000,
            runtime=60,
        params:
            # The order of the candidates is the order of the panel.
            external=CONFIG["external"],
            scores=ordered(CONFIG.get("scores")),
            ranking=ordered(CONFIG["ranking"]),
            code=code_digest("external.maps", "ranking.stage"),
        script:
            "../scripts/rank_maps.py"

    rule maps_ranking_report:
        input:
            [
                f"{EXP}/rank/{name}"
                for name in (
                    "verdict.json",
                    "ranking.tsv",
                    "panel.tsv",
                    "families.tsv",
                    "differences.tsv",
                    "disagreement.tsv",
                    "disagreement.npz",
                    "inputs.json",
                )
            ],
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
            candidates=described(CONFIG["external"]),
            code=code_digest("report.page"),
            template=template_digest(),
        script:
            "../scripts/report.py"

elif EXTERNAL:

    # A candidate's folder is made by one of two rules; what follows asks for its files, not for how they came.
    ruleorder: adopt_network > train

    rule adopt_network:
        input:
            ARRAYS,
            fold=lambda wildcards: f"{EXP}/data/folds/{CANDIDATES[wildcards.candidate]['fold']}.tsv",
            files=lambda wildcards: EXTERNAL_FILES[
                EXTERNAL[wildcards.candidate]["name"]
            ],
        output:
            weights=f"{EXP}/train/{{candidate}}/model.safetensors",
            model=f"{EXP}/train/{{candidate}}/model.json",
            metrics=f"{EXP}/train/{{candidate}}/metrics.json",
            history=f"{EXP}/train/{{candidate}}/history.tsv",
            valid=f"{EXP}/train/{{candidate}}/valid.npz",
        log:
            f"{LOGS}/adopt_network/{{candidate}}.log",
        wildcard_constraints:
            candidate="|".join(EXTERNAL).replace(".", r"\."),
        conda:
            "../../envs/train.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 4000 * attempt,
            runtime=60,
        params:
            candidate=lambda wildcards: ordered(EXTERNAL[wildcards.candidate]),
            code=code_digest("external.adopt"),
        script:
            "../scripts/adopt_network.py"
