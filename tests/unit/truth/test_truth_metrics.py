import numpy as np
import pytest
from sklearn.metrics import auc, precision_recall_curve, roc_auc_score

from lucidna.truth import aupr, auroc, ground_truth_metrics, mask_auc


@pytest.fixture(scope="module")
def reference(shared_data):
    """Return the inputs, (N, 4, L), and the published code's numbers for them."""
    inputs = np.load(shared_data / "reference" / "common_inputs.npz")
    numbers = np.load(shared_data / "reference" / "gradient_correction_and_gt_metrics.npz")
    arrays = {key: inputs[key].transpose(0, 2, 1).astype(float) for key in ("X", "attr_clean", "X_model")}
    return arrays, numbers


@pytest.mark.parametrize("kind", ["raw", "adj"])
def test_published_numbers(reference, kind):
    arrays, numbers = reference
    maps = arrays["attr_clean"]
    if kind == "adj":
        maps = maps - maps.mean(axis=1, keepdims=True)
    found = ground_truth_metrics(maps, arrays["X"], arrays["X_model"])
    for name in ("auroc", "aupr", "snr"):
        np.testing.assert_allclose(found[name], numbers[f"clean_{kind}_{name}"], atol=1e-6)
    published = numbers["clean_cos"] if kind == "raw" else numbers["clean_cos_adj"]
    assert found["cosine"].mean() == pytest.approx(float(published), abs=1e-6)
    if kind == "raw":
        np.testing.assert_allclose(found["cosine"], numbers["clean_cos_perseq"], atol=1e-6)


@pytest.mark.parametrize("tied", [False, True])
def test_areas_against_an_independent_implementation(tied):
    rng = np.random.default_rng(0)
    label = rng.random((30, 50)) < 0.3
    score = rng.normal(size=(30, 50)) + label
    if tied:
        score = np.round(score)
    valid = rng.random((30, 50)) < 0.8
    roc, pr = auroc(score, label, valid=valid), aupr(score, label, valid=valid)
    for row in range(30):
        y, s = label[row, valid[row]], score[row, valid[row]]
        precision, recall, _ = precision_recall_curve(y, s)
        assert roc[row] == pytest.approx(roc_auc_score(y, s), abs=1e-12)
        assert pr[row] == pytest.approx(auc(recall, precision), abs=1e-12)


def test_areas_of_rows_one_can_write_down():
    label = np.array([[1, 1, 0, 0]] * 3 + [[0, 0, 0, 0], [1, 1, 1, 1]], dtype=bool)
    score = np.array([[4, 3, 2, 1], [1, 2, 3, 4], [1, 1, 1, 1], [1, 2, 3, 4], [1, 2, 3, 4]], dtype=float)
    np.testing.assert_allclose(auroc(score, label), [1, 0, 0.5, np.nan, np.nan])
    np.testing.assert_allclose(aupr(score, label)[[0, 2]], [1, 0.75])
    assert np.isnan(aupr(score, label)[3:]).all()


def test_weak_motif_columns_count_nowhere():
    """A column of 0.05 bits is neither motif nor background, whatever the map does there."""
    truth = np.full((1, 4, 20), 0.25)
    truth[0, :, 5] = [0.97, 0.01, 0.01, 0.01]
    truth[0, :, 6] = [0.35, 0.25, 0.2, 0.2]
    one_hot = np.zeros((1, 4, 20))
    one_hot[0, 0] = 1
    maps = np.zeros((1, 4, 20))
    maps[0, 0] = np.linspace(0.01, 0.2, 20)
    maps[0, 0, 5], maps[0, 0, 6] = 1, 50
    found = ground_truth_metrics(maps, one_hot, truth)
    assert found["auroc"][0] == 1
    background = np.sort(np.delete(maps[0, 0], [5, 6]))[-10:]
    assert found["snr"][0] == pytest.approx(1 / background.mean())
    # A larger threshold leaves no motif at all.
    assert np.isnan(ground_truth_metrics(maps, one_hot, truth, threshold=1.9)["auroc"][0])


def test_snr_is_zero_without_enough_positive_background():
    truth = np.full((1, 4, 30), 0.25)
    truth[0, :, 3] = [1, 0, 0, 0]
    one_hot = np.zeros((1, 4, 30))
    one_hot[0, 0] = 1
    maps = np.zeros((1, 4, 30))
    maps[0, 0, 3] = 2
    maps[0, 0, 10:19] = 1
    assert ground_truth_metrics(maps, one_hot, truth)["snr"][0] == 0
    maps[0, 0, 19] = 1
    assert ground_truth_metrics(maps, one_hot, truth)["snr"][0] == pytest.approx(2)
    assert ground_truth_metrics(maps[..., :8], one_hot[..., :8], truth[..., :8])["snr"][0] == 0


def test_a_map_of_zeros_has_cosine_zero_and_chance_area(reference):
    arrays, _ = reference
    found = ground_truth_metrics(np.zeros_like(arrays["X"]), arrays["X"], arrays["X_model"])
    np.testing.assert_array_equal(found["cosine"], 0)
    np.testing.assert_allclose(found["auroc"], 0.5)
    np.testing.assert_array_equal(found["snr"], 0)


def test_mask_auc_ignores_signs_and_marks_empty_regions():
    mask = np.zeros((3, 40))
    mask[0, 10:15] = 0.5
    mask[1, 20:25] = 1.5
    maps = np.random.default_rng(0).normal(scale=0.1, size=(3, 40))
    maps[0, 10:15] += 2
    maps[1, 20:25] -= 2
    roc, pr = mask_auc(maps, mask)
    np.testing.assert_allclose(roc[:2], 1)
    np.testing.assert_allclose(pr[:2], 1)
    assert np.isnan([roc[2], pr[2]]).all()


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="shapes differ"):
        ground_truth_metrics(np.zeros((2, 4, 5)), np.zeros((2, 5, 4)), np.zeros((2, 4, 5)))
    with pytest.raises(ValueError, match="shapes differ"):
        mask_auc(np.zeros((2, 5)), np.zeros((2, 6)))
