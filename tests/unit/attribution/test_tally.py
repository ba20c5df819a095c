import numpy as np
import pytest

from lucidna.attribution.tally import Part, Tally


def tally_of(*fits):
    tally = Tally(4)
    for fit in fits:
        explained = np.asarray(fit, dtype=np.float32)
        rows = np.arange(len(explained))
        tally.add(Part(rows, np.zeros((len(rows), 4, 5)), np.zeros(len(rows)), explained=explained))
    return tally


def test_surrogates_that_do_not_fit_are_told():
    poor = tally_of([0.1, 0.4, np.nan], [0.6])
    assert poor.summary()["explained"] == {"median": pytest.approx(0.4), "q05": pytest.approx(0.13)}
    assert "explains 40% of the variance" in poor.notice()
    assert "explains 0% of" in tally_of([-0.3]).notice()
    assert tally_of([0.5, 0.9]).notice() == ""


def test_nothing_is_told_where_nothing_is_known():
    assert Tally(4).notice() == ""
    constant = tally_of([np.nan, np.nan])
    assert constant.notice() == ""
    assert constant.summary()["explained"] is None
