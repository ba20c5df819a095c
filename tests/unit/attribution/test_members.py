import pytest

from lucidna.attribution.members import members_of
from lucidna.errors import UserError

KNOWN = ["cnn-a-1234abcd", "cnn-b-1234abcd"]


def test_chosen_are_the_verdicts():
    assert members_of("chosen", {"chosen": KNOWN[1:]}, known=KNOWN) == KNOWN[1:]


def test_named_candidates_are_taken_whatever_the_verdict_says():
    assert members_of(KNOWN[:1], {"chosen": []}, known=KNOWN) == KNOWN[:1]


def test_nothing_chosen_is_an_empty_list():
    assert members_of("chosen", {"status": "none", "chosen": []}, known=KNOWN) == []


def test_an_unknown_id_is_named_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'cnn-a-1234abcd'"):
        members_of(["cnn-a-1234abce"], {"chosen": []}, known=KNOWN)
