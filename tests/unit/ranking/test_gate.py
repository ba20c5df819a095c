import numpy as np

from lucidna.ranking.gate import (
    GROUNDS,
    VETO_ABOVE,
    at_chance,
    decimals_apart,
    gate_reasons,
    grounds_of,
    upper_limit,
    veto_reasons,
)


def test_gate_keeps_what_reaches_the_interval_of_the_best():
    value, lo = np.array([0.9, 0.89, 0.8, 0.95]), np.array([0.88, 0.87, 0.78, 0.93])
    candidate = np.array([True, True, True, False])
    reasons = gate_reasons(value, lo, candidate=candidate, metric="auroc")
    assert [reason is None for reason in reasons] == [True, True, False, True]
    assert "validation auroc 0.800 is below 0.880" in reasons[2]
    assert gate_reasons(value, lo, candidate=candidate, margin=0.1) == [None] * 4


def test_numbers_that_differ_are_written_differently():
    value, lo = np.array([0.7, 0.59996]), np.array([0.6000, 0.5])
    (_, reason) = gate_reasons(value, lo, candidate=np.ones(2, dtype=bool), metric="auroc")
    assert "auroc 0.59996 is below 0.60000, what the best candidate (0.70000)" in reason
    scores = {"c_cos": np.array([0.61, 0.5])}
    lower, upper = {"c_cos": np.array([0.59996, 0.4])}, {"c_cos": np.array([0.7, 0.6])}
    reasons = veto_reasons(
        scores, lower, upper, candidate=np.array([True, False]), against_controls=("c_cos",), quantile=0
    )
    assert reasons[0] == "its c_cos 0.61000 (lower end 0.59996) is not above 0.60000, a control's upper end"
    assert (decimals_apart(0.1, 0.2), decimals_apart(0.1, 0.1), decimals_apart(1, 1 + 1e-6)) == (3, 3, 6)


def test_gate_without_intervals_needs_a_margin():
    value, lo, candidate = np.array([0.9, 0.8]), np.full(2, np.nan), np.ones(2, dtype=bool)
    assert gate_reasons(value, lo, candidate=candidate) == [None, None]
    assert gate_reasons(value, lo, candidate=candidate, margin=0.05)[1] is not None
    assert gate_reasons(value * np.nan, lo, candidate=candidate, margin=0.05) == [None, None]


def test_gate_stops_a_constant_prediction():
    value, lo, candidate = np.array([0.9, np.nan, np.nan]), np.array([0.8, np.nan, np.nan]), np.ones(3, dtype=bool)
    reasons = gate_reasons(value, lo, candidate=candidate, constant=np.array([False, True, False]))
    # A score that is not known says nothing.
    assert [reason is None for reason in reasons] == [True, False, True]
    assert "not a number: its prediction is constant" in reasons[1]


def test_at_chance_reads_the_upper_end():
    found = at_chance(np.array([0.55, 0.49, np.nan]), np.array([0.48, 0.45, np.nan]), chance=0.5)
    np.testing.assert_array_equal(found, [False, True, False])


def scores(n, worst=0):
    values = np.linspace(1, 0.1, n)
    values[worst], values[-1] = values[-1], values[worst]
    return {"c_cos": values, "c_auc": values, "sl_con": values, "c_isolation": np.full(n, 0.2)}


def test_veto_of_what_is_not_above_the_controls():
    values = {"c_cos": np.array([0.5, 0.2, 0.15, np.nan]), "sl_con": np.array([0.9, 0.9, 0.5, 0.9])}
    lower = {"c_cos": values["c_cos"] - 0.1, "sl_con": values["sl_con"]}
    upper = {"c_cos": values["c_cos"] + 0.1, "sl_con": values["sl_con"]}
    candidate = np.array([True, True, False, True])
    reasons = veto_reasons(values, lower, upper, candidate=candidate, against_controls=("c_cos",))
    assert [reason is None for reason in reasons] == [True, False, True, True]
    # Its value is above the control's upper end; its interval is not.
    closer = {**values, "c_cos": np.array([0.5, 0.3, 0.15, np.nan])}
    assert veto_reasons(closer, lower, upper, candidate=candidate, against_controls=("c_cos",))[1]
    assert "c_cos 0.200 (lower end 0.100) is not above 0.250" in reasons[1]


def test_a_gated_candidate_is_not_called_clearly_worse():
    """Its interval may overlap that of the best: what is compared is its value."""
    assert not any("clearly" in words for words in GROUNDS.values())
    value, lo = np.array([0.9, 0.87]), np.array([0.88, 0.85])
    (_, reason) = gate_reasons(value, lo, candidate=np.ones(2, dtype=bool), margin=0.005, metric="auroc")
    assert reason == (
        "its validation auroc 0.870 is below 0.875, what the best candidate (0.900) reaches at the least less the "
        "margin 0.005"
    )


def test_veto_of_what_is_no_better_than_chance():
    values = {"c_cos": np.array([0.5, 0.02, np.nan, -0.3, -0.3])}
    lower, upper = {"c_cos": values["c_cos"] - 0.05}, {"c_cos": values["c_cos"] + 0.05}
    candidate = np.array([True, True, True, True, False])
    reasons = veto_reasons(
        values, lower, upper, candidate=candidate, against_controls=("c_cos",), chance={"c_cos": 0.0}
    )
    assert [reason is None for reason in reasons] == [True, False, True, False, True]
    # The third lies below the control too: one reason is enough.
    assert reasons[3] == (
        "its c_cos -0.300 (lower end -0.350) is not above 0.000: it agrees with the others no better than chance"
    )
    assert grounds_of(reasons[3]) == ["consensus cosine no better than chance"]
    own = {"c_cos": np.array([0.6, -0.5, 0.1, -0.5, 0.0])}
    found = veto_reasons(values, lower, upper, candidate=candidate, against_controls=(), chance=own)
    assert [reason is None for reason in found] == [False, True, True, True, True]


def test_veto_of_maps_that_are_zero_in_many_regions():
    many = scores(4)
    zero = np.array([20, 21, 200, 200])
    candidate = np.array([True, True, True, False])
    reasons = veto_reasons(many, many, many, candidate=candidate, against_controls=(), zero=zero, n_regions=200)
    assert [reason is None for reason in reasons] == [True, False, False, True]
    assert reasons[1] == "its maps are zero everywhere in 21 of 200 regions, more than 10%"
    assert grounds_of(reasons[1]) == ["maps that are zero in more than 10% of the regions"]


def test_every_reason_has_its_grounds():
    """The grounds are read from the sentences that this module writes."""
    value, lo = np.array([0.9, 0.8, np.nan]), np.array([0.88, 0.7, np.nan])
    candidate, constant = np.ones(3, dtype=bool), np.arange(3) == 2
    reasons = gate_reasons(value, lo, candidate=candidate, constant=constant, margin=0.01, metric="auroc")
    assert [grounds_of(reason) for reason in reasons[1:]] == [
        ["prediction below what the best reaches at the least, less the margin"],
        ["a constant prediction"],
    ]
    many = {name: np.append(values, 0.3) for name, values in scores(20).items()}
    candidate = np.arange(21) < 20
    found = veto_reasons(many, many, many, candidate=candidate, against_controls=("c_cos", "c_auc"))
    worst = grounds_of(found[0])
    assert worst == [
        "consensus cosine not above that of a control",
        "consensus AUROC not above that of a control",
        "consensus cosine in the lowest 5% of those that pass the gate",
        "consensus AUROC in the lowest 5% of those that pass the gate",
        "seqlet recurrence in the lowest 5% of those that pass the gate",
    ]
    assert grounds_of("because") == []


def test_lowest_share_is_vetoed_only_in_a_population():
    few, many = scores(19), scores(20)
    assert not any(veto_reasons(few, few, few, candidate=np.ones(19, dtype=bool), against_controls=()))
    reasons = veto_reasons(many, many, many, candidate=np.ones(20, dtype=bool), against_controls=())
    assert [index for index, reason in enumerate(reasons) if reason] == [0]
    off = veto_reasons(many, many, many, candidate=np.ones(20, dtype=bool), against_controls=(), quantile=0)
    assert not any(off)


def test_what_stands_far_above_all_others_is_vetoed():
    """Median 0.20, median absolute deviation 0.02: the limit is that of `VETO_ABOVE` in units of 1.4826 times it."""
    values, candidate = scores(21), np.ones(21, dtype=bool)
    isolation = np.resize([0.18, 0.20, 0.22], 21)
    limit = 0.2 + VETO_ABOVE["c_isolation"] * 1.4826 * 0.02
    np.testing.assert_allclose(upper_limit(isolation, VETO_ABOVE["c_isolation"]), limit)
    for value, lower, stopped in ((limit + 0.02, limit + 0.01, True), (limit + 0.02, limit - 0.01, False)):
        isolation[5] = value
        lowest = values | {"c_isolation": np.where(np.arange(21) == 5, lower, isolation)}
        reasons = veto_reasons(
            values | {"c_isolation": isolation}, lowest, values, candidate=candidate, against_controls=()
        )
        assert ["c_isolation" in (reason or "") for reason in reasons] == [
            stopped and index == 5 for index in range(21)
        ]
    assert upper_limit(np.full(3, np.nan), 3.5) == np.inf
