from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from lucidna.files import read_json, read_tsv
from lucidna.motifs.effect_tables import EffectSettings
from lucidna.motifs.effects import instance_effects
from lucidna.motifs.elements import elements
from lucidna.motifs.halves import is_half, label_halves, lone_halves
from lucidna.motifs.hit_columns import read_hits
from lucidna.motifs.null import AS_NULL, SUPPORTED, SUPPORTED_PART, UNTESTED, WEAK
from lucidna.motifs.patterns import consensus
from lucidna.motifs.run import annotate

from .conftest import FIRST, SECOND
from .simulated import make_pattern, text_to_ppm, write_maps, write_patterns
from .test_elements import OCT, REB, SOX, composite

HALF = "pos_patterns.pattern_1:2"


def test_a_motif_that_only_composites_show_becomes_a_pattern():
    patterns = [
        make_pattern("pos_patterns.pattern_0", OCT, n_seqlets=50),
        summing(composite("pos_patterns.pattern_1", [OCT, SOX], [6], n_seqlets=40)),
        summing(composite("pos_patterns.pattern_2", [OCT, SOX], [4], n_seqlets=30, reverse=True)),
    ]
    (half,), wholes = lone_halves(patterns)
    assert half.name == HALF
    assert wholes == {HALF: ["pos_patterns.pattern_1", "pos_patterns.pattern_2"]}
    assert consensus(half.ppm[:, half.core]) == SOX
    whole, outside = patterns[1], np.ones(half.ppm.shape[1], dtype=bool)
    outside[half.core] = False
    assert (half.cwm[:, half.core] == whole.cwm[:, half.core]).all()
    assert (half.cwm[:, outside] == 0).all()
    assert (half.ppm[:, outside] == 0.25).all()
    assert half.n_seqlets == 40
    assert half.seqlets["contribution"].mean() == pytest.approx(whole.cwm[:, half.core].sum())
    assert half.cwm.sum() < 0.6 * whole.cwm.sum()
    # Beside its half a composite is made of the same elements, and shows no further one.
    assert elements([*patterns, half])[0] == elements(patterns)[0] | {half.name: elements([half])[0][half.name]}
    assert lone_halves([*patterns, half]) == ([], {})


def summing(pattern, *, share=1.0, sign=1):
    """The pattern with contributions of the bases that are there alone; those of its second half times `share`."""
    cwm = np.where(pattern.ppm > 0.5, pattern.cwm, 0.0)
    cwm[:, pattern.start + 13 :] *= share
    return replace(pattern, cwm=sign * cwm)


@pytest.mark.parametrize(("share", "sign", "found"), [(1.0, 1, 1), (0.3, 1, 0), (1.0, -1, 0), (-1.0, 1, 0)])
def test_a_half_contributes_and_has_the_sign_of_its_composite(share, sign, found):
    alone = make_pattern("pos_patterns.pattern_0", OCT, n_seqlets=50)
    both = composite("pos_patterns.pattern_1", [OCT, SOX], [6], n_seqlets=40)
    assert len(lone_halves([alone, summing(both, share=share, sign=sign)])[0]) == found


def test_motifs_with_a_pattern_of_their_own_and_bipartite_ones_have_no_half():
    alone = [make_pattern(f"pos_patterns.pattern_{i}", word, n_seqlets=50) for i, word in enumerate((OCT, SOX))]
    assert lone_halves([*alone, composite("pos_patterns.pattern_2", [OCT, SOX], [6], n_seqlets=40)]) == ([], {})
    bipartite = composite("pos_patterns.pattern_1", ["ATCACG", "TGACGT"], [5], n_seqlets=90)
    assert lone_halves([make_pattern("pos_patterns.pattern_0", REB, n_seqlets=50), bipartite]) == ([], {})
    assert lone_halves([]) == ([], {})
    assert is_half(HALF)
    assert not is_half("pos_patterns.pattern_1")


def test_a_half_is_supported_with_one_of_its_composites():
    tested = pd.DataFrame({"pattern": ["a", "b", "c"], "label": [WEAK, SUPPORTED, AS_NULL], "n_null": 3, "part_of": ""})
    found = label_halves(tested, {"a:1": ["a", "b"], "c:2": ["c"], "a:2": ["a"]})
    assert found["label"].tolist() == [WEAK, SUPPORTED, AS_NULL, SUPPORTED_PART, AS_NULL, WEAK]
    assert found["part_of"].tolist()[3:] == ["a, b", "c", "a"]
    assert found["n_null"].tolist()[:3] == [3, 3, 3]
    assert found["n_null"].isna().tolist()[3:] == [True] * 3
    assert "3.0" not in found.to_csv()
    untested = label_halves(tested.assign(label=UNTESTED), {"a:1": ["a"]})
    assert untested["label"].tolist() == [UNTESTED] * 4
    assert label_halves(tested, {}) is tested


class Counter(nn.Module):
    """Counts the second motif on both strands, and the first once a quarter."""

    def forward(self, x):
        total = torch.zeros(len(x))
        for word, weight in ((FIRST, 0.25), (SECOND, 1.0)):
            kernel = torch.tensor(text_to_ppm(word) > 0.5).float()
            for turned in (kernel, kernel.flip(0, 1)):
                found = nn.functional.conv1d(x, turned[None])[:, 0]
                total = total + weight * (found > turned.sum() - 0.5).sum(dim=1)
        return total[:, None]


def test_lone_sites_of_a_half_are_called_and_ablated(composites, tmp_path):
    """Forty sites of the second motif stand alone, and every table names them by the half."""
    real, out = composites.maps.path, tmp_path / "out"
    null, _ = write_maps(tmp_path / "null.h5", [("N", "+", 0)] * 120, length=100)
    write_patterns(tmp_path / "null.modisco.h5", [], null)
    summary = annotate(
        real,
        real.with_suffix(".bed"),
        composites.modisco,
        out,
        null_attributions=[null.path],
        null_modisco=[tmp_path / "null.modisco.h5"],
        expected={"second": SECOND, "first": FIRST},
    )
    assert summary["patterns"]["total"] == 2
    assert summary["patterns"]["halves"] == 1
    assert any(notice.startswith(f"{HALF}: a motif that only composites show") for notice in summary["notices"])
    table = read_tsv(out / "patterns.tsv").set_index("pattern")
    assert list(table.index) == ["pos_patterns.pattern_0", "pos_patterns.pattern_1", HALF]
    assert table.loc[HALF, "label"] == SUPPORTED_PART
    assert table.loc[HALF, "part_of"] == "pos_patterns.pattern_1"
    assert table.loc["pos_patterns.pattern_1", "composite_of"] == f"pos_patterns.pattern_0+ + {HALF}+ spacing 6"
    hits = read_hits(out / "hits.tsv")
    hits = hits[hits["q_value"] <= 0.1]
    begin = composites.regions["start"].to_numpy()[hits["row"]]
    lone = {(row, start, strand) for row, (text, strand, start) in enumerate(composites.placed) if text == SECOND}
    called = hits.assign(start=hits["start"] - begin)[hits["pattern"] == HALF]
    assert set(called[["row", "start", "strand"]].itertuples(index=False, name=None)) >= lone
    assert len(hits) <= 1.15 * (len(composites.placed) + 80)
    # Three hits show two motifs: the composite is none beside its halves, and they none beside a better composite.
    by_row = hits[hits["row"] < 40].groupby("row")
    assert by_row.size().median() == 3
    assert by_row["instance"].nunique().isin([1, 2]).all()
    assert by_row["pattern"].apply(lambda names: "pos_patterns.pattern_1" in set(names)).mean() > 0.9
    expected = read_tsv(out / "expected.tsv")
    assert expected["pattern"].tolist() == [HALF, "pos_patterns.pattern_0"]
    assert expected["hits_at_fdr"].tolist() == table.loc[expected["pattern"], "hits_at_fdr"].tolist()
    bed = (out / "hits.bed").read_text().splitlines()
    assert sum(HALF in line for line in bed) >= 40

    (out / "modisco.h5").write_bytes(composites.modisco.read_bytes())
    settings = EffectSettings(max_hits=300, draws=2, nulls=20, max_pairs=20)
    instance_effects(
        [("one", Counter())], real, real.with_suffix(".bed"), out, head="counts", task=0, settings=settings
    )
    ablated = read_hits(out / "ablation.tsv")
    assert ablated[ablated["row"].between(40, 79)].groupby("pattern")["effect"].median()[HALF] == 1
    assert read_tsv(out / "importance.tsv")["pattern"].tolist() == list(table.index)
    assert set(read_tsv(out / "elements.tsv")["element"]) == {"pos_patterns.pattern_0", HALF}
    (pair,) = read_tsv(out / "pairs.tsv").to_dict("records")
    assert "composite" not in str(pair["evidence"])  # both have sites of their own: their arrangement can be tested
    assert read_json(out / "effects.json")["patterns"] == 3
