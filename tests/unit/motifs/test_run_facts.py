import pandas as pd

from lucidna.motifs.null import AS_NULL, SUPPORTED, SUPPORTED_PART, UNTESTED
from lucidna.motifs.run_facts import unseen_notices


def test_supported_patterns_without_a_hit_are_named():
    labels = [SUPPORTED, SUPPORTED, AS_NULL, UNTESTED, SUPPORTED_PART]
    table = pd.DataFrame({"pattern": list("abcde"), "label": labels, "hits": [5, 0, 0, 0, 0]})
    assert [notice.split(" is called supported")[0] for notice in unseen_notices(table)] == ["b", "e"]
    assert unseen_notices(table.assign(hits=1)) == []
