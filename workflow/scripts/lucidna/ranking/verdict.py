"""What the ranking concludes: the chosen set, what cannot be told apart, and why the others are out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from lucidna.ranking.level import level_sentences
from lucidna.ranking.reasons import aside_sentences, name_list, tie_sentences
from lucidna.ranking.score import pareto_front
from lucidna.ranking.separation import in_fold, in_folds, seeds_to_separate, would_separate

RULE_TEXT = {
    "A*": "agreement with a re-weighted consensus of the other networks (rule A*)",
    "B": "rule B, which reads each network by itself and is weaker because too few networks can be compared",
}

SHARED_BIAS = (
    "Agreement also rewards what all networks share, such as a bias of the assay: networks trained on a control track "
    "(control: bias) would show it."
)


def choose(table: pd.DataFrame, *, top: int, runs: Mapping[str, object] | None = None) -> list[str]:
    """Take the best candidates, one of each run, at least one of each fold where there is room.

    Parameters
    ----------
    table
        Candidates that passed, best first, with columns id and fold.
    top
        How many to take; fewer when fewer passed.
    runs
        id -> provenance. Checkpoints of one run are one opinion: the best of them stands for all. None: each
        candidate is a run of its own.

    Returns
    -------
    Their ids, best first.
    """
    if runs is not None:
        table = table[~table["id"].map(runs).duplicated()]
    first = table.drop_duplicates("fold")["id"].tolist()[:top]
    rest = [name for name in table["id"] if name not in first]
    taken = set(first + rest[: top - len(first)])
    return [name for name in table["id"] if name in taken]


def front_ids(table: pd.DataFrame) -> list[str]:
    """Return ids on the Pareto front of prediction and score within each fold, best score first.

    Parameters
    ----------
    table
        Candidates that may be on the front, with columns id, fold, prediction and score.
    """
    ids = []
    for _, fold in table.groupby("fold", sort=False):
        ids += fold.loc[pareto_front(fold["prediction"].to_numpy(), fold["score"].to_numpy()), "id"].tolist()
    return [name for name in table["id"] if name in set(ids)]


def verdict_of(
    table: pd.DataFrame,
    *,
    rule: str | Mapping[str, str],
    inseparable: dict[str, list[str]],
    needed: dict[str, int | None],
    n_regions: dict[str, int],
    top: int,
    single: bool = False,
    runs: Mapping[str, object] | None = None,
    notices: Sequence[str] = (),
    limits: Sequence[str] = (),
    shared_bias: bool = False,
    metric: str = "prediction",
    level: Callable[[Sequence[str]], dict | None] | None = None,
) -> dict:
    """Put the decision into a dictionary that JSON can hold, with one paragraph in plain words.

    Parameters
    ----------
    table
        One row per network, best first: id, family, fold, control ("none" or its kind), status ("passed", "gated",
        "vetoed", "control", "failed"), reason, score, prediction.
    rule
        "A*" or "B", for all folds, or fold -> rule.
    inseparable
        fold -> ids that cannot be told from the best of that fold.
    needed
        fold -> number of regions that would separate them, see `separation.regions_to_separate`.
    n_regions
        fold -> number of regions compared.
    top
        Size of the delivered set; `single` delivers the best alone.
    runs
        As in `choose`.
    notices
        Sentences about the data that limit the conclusion.
    limits
        The gravest of them in a few words, which end the paragraph.
    shared_bias
        Whether no network trained on a control track was there, so that agreement by rule A* may be of a bias.
    metric
        Name of the measure of prediction.
    level
        Ids of the delivered -> how far maps agree in absolute terms, see `level.agreement_level`.

    Returns
    -------
    dict with status ("chosen", "cannot separate" or "none"), rule ("A*", "B", or "mixed" where folds differ), rules
    (fold -> rule), metric, chosen, best, by_fold,
    inseparable, vetoed, gated, failed, front, text, would_separate (sentences or None), seeds (another family ->
    seeds of each that would tell it from the best's, see `separation.seeds_to_separate`), agreement (what `level` gave)
    and notices.
    """
    rules = dict.fromkeys(n_regions, rule) if isinstance(rule, str) else {str(name): one for name, one in rule.items()}
    used = set(rules.values())
    passed = table[table["status"] == "passed"]
    listed = {
        status: [
            {"id": row.id, "reason": row.reason} for row in table[table["status"] == status].itertuples(index=False)
        ]
        for status in ("vetoed", "gated", "failed")
    }
    chosen = [] if passed.empty else [passed["id"].iloc[0]] if single else choose(passed, top=top, runs=runs)
    best_of_fold = passed.drop_duplicates("fold").set_index("fold")["id"].to_dict()
    together = [name for ids in inseparable.values() for name in ids]
    status = "none" if passed.empty else "cannot separate" if together else "chosen"
    competing = table[(table["control"] == "none") & table["status"].isin(["passed", "gated"])]
    seeds = _seeds(table, passed, together)
    remedy = would_separate(inseparable, needed, n_regions, seeds) if together else None
    agreement = None if level is None else level(chosen)
    ties = tie_sentences(passed, chosen, metric, runs)
    ending = [*ties, *level_sentences(agreement), *limits]
    if shared_bias and "A*" in used and not passed.empty:
        ending.append(SHARED_BIAS)
    return {
        "status": status,
        "rule": next(iter(used), "B") if len(used) < 2 else "mixed",
        "rules": rules,
        "metric": metric,
        "chosen": chosen,
        "best": None if passed.empty else passed["id"].iloc[0],
        "by_fold": {
            str(fold): {
                "best": name,
                "inseparable": inseparable.get(fold, []),
                "regions": int(n_regions[fold]),
            }
            for fold, name in best_of_fold.items()
        },
        "inseparable": together,
        **listed,
        "front": front_ids(competing),
        "text": _text(table, status, rules, chosen, best_of_fold, inseparable, listed, remedy, metric, ending),
        "would_separate": remedy,
        "seeds": seeds or {},
        "agreement": agreement,
        "notices": list(notices),
    }


def _seeds(table: pd.DataFrame, passed: pd.DataFrame, inseparable: Sequence[str]) -> dict[str, int | None] | None:
    """Return, for each other family among the candidates that cannot be told apart, the seeds that would tell it.

    A candidate that is called as its family has no seeds to compare, and None is returned where the best or all others
    are such.
    """
    if passed.empty:
        return {}
    compared = table[(table["control"] == "none") & table["score"].notna()]
    family = table.set_index("id")["family"]
    best = family[passed["id"].iloc[0]]
    others = dict.fromkeys(family[name] for name in inseparable if family[name] != best)
    if others and (best in family.index or all(name in family.index for name in others)):
        return None
    others = [name for name in others if name not in family.index]
    return {name: seeds_to_separate(compared, best, name) for name in others}


def compared_by(rules: Mapping[str, str]) -> str:
    """Say by what networks were compared, fold -> rule, and in which folds by the weaker rule."""
    weaker = [fold for fold, rule in rules.items() if rule == "B"]
    if len(weaker) in (0, len(rules)):
        return RULE_TEXT["B" if weaker or not rules else "A*"]
    return f"{RULE_TEXT['A*']}, but{in_folds(weaker)} by {RULE_TEXT['B']}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _numbers(row: pd.Series, metric: str) -> str:
    """Write what a candidate is chosen for: its score, and its prediction where that is known."""
    prediction = f", validation {metric} {row['prediction']:.3f}" if pd.notna(row["prediction"]) else ""
    return f"score {row['score']:.2f} of 1{prediction}"


def _text(
    table: pd.DataFrame,
    status: str,
    rules: Mapping[str, str],
    chosen: list[str],
    best_of_fold: dict,
    inseparable: dict[str, list[str]],
    listed: dict[str, list[dict]],
    remedy: str | None,
    metric: str,
    ending: list[str],
) -> str:
    n_candidates = int((table["control"] == "none").sum())
    n_controls = len(table) - n_candidates
    sentences = [
        f"{_count(n_candidates, 'candidate')} and {_count(n_controls, 'control')} were compared by "
        f"{compared_by(rules)}."
    ]
    sentences += aside_sentences(listed)
    if n_controls == 0:
        sentences.append("No control was among them, so how well noise would score is not known.")
    if status == "none":
        sentences.append(
            "No candidate is chosen: none of these networks' attribution maps can be believed on these data. "
            "Train on more or cleaner data, or for longer, before interpreting anything."
        )
        return " ".join([*sentences, *ending])
    rows = table.set_index("id")
    for fold, best in best_of_fold.items():
        named = f"{best} ({_numbers(rows.loc[best], metric)})"
        where = in_fold(fold, len(best_of_fold))
        ids = inseparable.get(fold, [])
        if ids:
            sentences.append(
                f"The best{where} is {named}, but the interval of its difference to "
                f"{_count(len(ids), 'other')} ({name_list(ids)}) includes zero: they cannot be told apart."
            )
        elif (table["fold"] == fold).sum() and ((table["fold"] == fold) & (table["status"] == "passed")).sum() > 1:
            sentences.append(f"The best{where} is {named}, separated from every other candidate that passed.")
        else:
            sentences.append(f"The best{where} is {named}, the only candidate that passed.")
    if remedy:
        sentences.append(remedy)
    sentences.append(
        f"Delivered: {chosen[0]} alone."
        if len(chosen) == 1
        else f"Delivered: the average of the maps of {len(chosen)} candidates ({', '.join(chosen)})."
    )
    return " ".join([*sentences, *ending])
