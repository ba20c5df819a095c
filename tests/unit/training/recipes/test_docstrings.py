"""What every component's docstring must say, for whoever chooses between them."""

import re

import pytest

from lucidna.training.recipes import registry

PARTS = {
    "source": r"(19|20)\d\d|github|practice",
    "defaults": r"\bDefaults?\b",
    "cost": r"\bCosts?\b",
    "harm": r"\bhurts?\b",
    "equation": r"``[^`]+``|\.\. math::",
}


@pytest.mark.parametrize("name", list(registry()))
@pytest.mark.parametrize("part", PARTS)
def test_a_component_says_where_it_is_from_and_what_it_costs(name, part):
    text = registry()[name].__doc__
    assert re.search(PARTS[part], text), f"{name}: no {part}"
