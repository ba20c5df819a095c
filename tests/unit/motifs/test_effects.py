import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from lucidna.attribution.output import ScalarOutput
from lucidna.errors import UserError
from lucidna.files import read_json, read_tsv
from lucidna.motifs.effect_tables import EffectSettings, ablation_table, taken_bases
from lucidna.motifs.effects import instance_effects, within_windows
from lucidna.motifs.hit_columns import COLUMNS, FINEMO_NAMES, read_hits, write_hits
from lucidna.motifs.predictor import Networks
from lucidna.motifs.run import annotate, discover
from lucidna.sequence import one_hot_numpy

from .simulated import PLANTED, simulate, text_to_ppm
from .toy import additive, sequences_with_both

SETTINGS = EffectSettings(max_hits=60, draws=2, nulls=20, max_pairs=20)


class Scanner(nn.Module):
    """Counts whole planted words on either strand, each with a weight."""

    def __init__(self, weights):
        super().__init__()
        self.words = [(torch.tensor(text_to_ppm(word) > 0.5).float(), weights[name]) for name, word in PLANTED.items()]

    def forward(self, x):
        total = torch.zeros(len(x))
        for word, weight in self.words:
            for kernel in (word, word.flip(0, 1)):
                found = nn.functional.conv1d(x, kernel[None])[:, 0]
                total = total + weight * (found > kernel.sum() - 0.5).sum(dim=1)
        return total[:, None]


@pytest.fixture(scope="module")
def effects(stage, tmp_path_factory):
    folder = tmp_path_factory.mktemp("effects")
    for name in ("hits.tsv", "patterns.tsv"):
        (folder / name).write_bytes((stage.folder / "out" / name).read_bytes())
    (folder / "modisco.h5").write_bytes((stage.folder / "modisco.h5").read_bytes())
    models = [(str(scale), Scanner({"alpha": scale, "beta": -scale, "gamma": 0.0})) for scale in (1.0, 3.0)]
    places = (stage.folder / "real.h5", stage.folder / "real.bed")
    summary = instance_effects(models, *places, folder, head="counts", task=0, settings=SETTINGS)
    return folder, summary, models, places


def test_ablation_says_what_each_hit_does(effects):
    folder, summary, *_ = effects
    table = read_hits(folder / "ablation.tsv")
    hits = read_hits(folder / "hits.tsv")
    assert len(table) == summary["ablated"] <= 60 < summary["hits"] == (hits["q_value"] <= 0.1).sum()
    assert any("max_hits bound: 60 of" in notice for notice in summary["notices"])
    pd.testing.assert_frame_equal(table[COLUMNS], hits.merge(table[["chrom", "start", "pattern"]])[COLUMNS])
    by_motif = table.groupby("motif")
    assert by_motif["effect"].median().round(6).to_dict() == {"alpha": 2.0, "beta": -2.0, "gamma": 0.0}
    assert by_motif["effect_sd"].median()["alpha"] == pytest.approx(np.std([1, 3], ddof=1))
    assert (table["effect_agreement"] == 1).all()
    assert table["control_effect"].abs().median() == 0


def test_importance_is_that_of_the_word(effects):
    folder, *_ = effects
    table = read_tsv(folder / "importance.tsv")
    names = read_tsv(folder / "patterns.tsv").set_index("pattern")["match_name"]
    found = table.set_index(table["pattern"].map(names))
    assert found.loc["alpha", "importance"] > 1.5
    assert found.loc["beta", "importance"] < -1.5
    assert found.loc["gamma", "importance"] == pytest.approx(0, abs=0.2)
    assert (found.loc[["alpha", "beta"], "q_value"] < 0.05).all()
    assert found.loc["gamma", "q_value"] > 0.05
    assert found["null_importance"].abs().max() < 0.3


def test_pairs_of_independent_words_are_not_called(effects):
    folder, summary, *_ = effects
    pairs = read_tsv(folder / "pairs.tsv")
    assert len(pairs) == summary["pairs"] == 3
    assert pairs["interaction"].abs().max() < 0.2
    # Of three pairs "more than expected" is not known: that they add up is what is tested.
    assert pairs["additivity_p"].notna().all()
    assert (pairs["additivity_q"] > 0.05).all()
    assert (pairs["spacing_q"] > 0.05).all()
    assert (pairs["evidence"].fillna("") == "").all()
    assert summary["pairs_found"] == 0
    assert read_json(folder / "effects.json") == summary
    assert set(read_tsv(folder / "elements.tsv")["element"]) == set(read_tsv(folder / "patterns.tsv")["pattern"])


def test_the_same_seed_gives_the_same_bytes(effects, tmp_path):
    folder, summary, models, places = effects
    for name in ("hits.tsv", "patterns.tsv", "modisco.h5"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    again = instance_effects(models, *places, tmp_path, head="counts", task=0, settings=SETTINGS, batch_size=7)
    for name in ("ablation.tsv", "importance.tsv", "elements.tsv", "pairs.tsv"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name
    assert again["predictions"] == summary["predictions"]


def test_no_networks_no_hits_and_no_patterns_give_empty_tables(effects, tmp_path):
    folder, _, models, places = effects
    for name in ("patterns.tsv", "modisco.h5"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    hits = read_hits(folder / "hits.tsv")
    cases = [([], hits, "chose no candidate"), (models, hits[:0], "no hit of a supported pattern has q")]
    cases += [(models, hits.assign(q_value=np.nan), "pattern has q")]
    cases += [(models, hits.assign(label="as in the null"), "pattern has q")]
    for used, table, reason in cases:
        write_hits(tmp_path / "hits.tsv", table)
        summary = instance_effects(used, *places, tmp_path, head="counts", task=0, settings=SETTINGS)
        assert reason in summary["notices"][0]
        for name in ("ablation.tsv", "pairs.tsv"):
            found = read_tsv(tmp_path / name)
            assert found.empty
            assert {"effect", "evidence"} & set(found.columns)
        assert len(read_tsv(tmp_path / "importance.tsv")) == (3 if used else 0)
    assert set(FINEMO_NAMES.values()) <= set(read_tsv(tmp_path / "ablation.tsv").columns)


def test_no_pattern_gives_empty_tables(effects, tmp_path):
    _, _, models, _ = effects
    simulate(tmp_path / "few.h5", n=4, seed=1)
    discover(tmp_path / "few.h5", tmp_path / "modisco.h5", window=100)
    annotate(tmp_path / "few.h5", tmp_path / "few.bed", tmp_path / "modisco.h5", tmp_path)
    few = (tmp_path / "few.h5", tmp_path / "few.bed")
    summary = instance_effects(models, *few, tmp_path, head="counts", task=0, settings=SETTINGS)
    assert (summary["hits"], summary["patterns"], summary["pairs"], summary["predictions"]) == (0, 0, 0, 0)
    for name in ("ablation", "importance", "elements", "pairs"):
        assert read_tsv(tmp_path / f"{name}.tsv").empty


def test_hits_of_other_windows_are_refused(effects):
    folder, *_ = effects
    hits = read_hits(folder / "hits.tsv").head(3)
    regions = pd.DataFrame({"chrom": "c", "start": [0] * 400, "end": 10**7, "region_id": "x"})
    with pytest.raises(UserError, match=r"h.tsv: the hit at chr2:\d+-\d+ lies outside .* 'peak_1' .* again"):
        within_windows(hits, regions, "h.tsv")
    regions = regions.assign(region_id=hits["region_id"].iloc[0])
    first = hits.iloc[:1].assign(row=0)
    assert within_windows(first, regions.assign(start=1000), "h.tsv")["start"].item() == first["start"].item() - 1000
    for wrong in (first.assign(row=400), first.assign(row=-1), first.assign(start=-5), first.assign(end=10**7 + 1)):
        with pytest.raises(UserError, match="lies outside the window"):
            within_windows(wrong, regions, "h.tsv")
    with pytest.raises(UserError, match="lies outside the window"):
        within_windows(first, regions[:0], "h.tsv")
    assert within_windows(hits[:0], regions[:0], "h.tsv").empty


def test_a_hit_at_the_edge_of_its_window_is_ablated():
    codes, _ = sequences_with_both(4)
    placed = pd.DataFrame({"row": [0, 1], "start": [0, 110], "end": [10, 120], "pattern": "a"})
    taken = taken_bases(codes, placed)
    table = ablation_table(additive, codes, placed, placed, taken, EffectSettings(), seed=0)
    assert (table["effect"] == 0).all()
    assert len(table) == 2


def test_networks_predict_as_the_explained_output_does():
    class Profile(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(4, 2, 5)

        def forward(self, x):
            return self.conv(x), x.sum(dim=(1, 2))[:, None] + self.conv(x).mean(dim=(1, 2))[:, None]

    torch.manual_seed(0)
    model, rng = Profile(), np.random.default_rng(0)
    sequences = rng.integers(0, 5, (6, 40)).astype(np.uint8)
    variants = rng.integers(0, 4, (6, 3, 40)).astype(np.uint8)
    x = torch.from_numpy(one_hot_numpy(sequences))
    for head in ("counts", "profile"):
        output = ScalarOutput(model, head=head)
        found = Networks([model, model], head=head, task=0, batch_size=4)(variants, sequences)
        assert found.shape == (2, 6, 3)
        with torch.no_grad():
            for k in range(3):
                y = torch.from_numpy(one_hot_numpy(variants[:, k]))
                expected = output(y, *output.frozen(x))[:, 0].numpy()
                np.testing.assert_allclose(found[0, :, k], expected, rtol=1e-4, atol=1e-5)
    networks = Networks([model], head="profile", task=0)
    own = networks(sequences[:, None], sequences)
    np.testing.assert_allclose(own[0, :, 0], ScalarOutput(model, head="profile")(x)[:, 0].detach().numpy(), rtol=1e-4)
    assert networks.n_predicted == 6
