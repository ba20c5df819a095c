"""Every precision that the config takes trains, with weights and files of float32."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from lucidna.training.run import train_candidate


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
@pytest.mark.parametrize("target", ["counts", "profile"])
def test_each_trains_to_nearly_the_same_weights(make_dataset, candidate, tmp_path, target, precision):
    data = make_dataset(target=target, n=160)
    network = {"class": "bpnet", "arguments": {"n_filters": 8, "n_layers": 2, "first_kernel": 9, "profile_kernel": 15}}
    written = {}
    for name in ("32-true", precision):
        trainer = {"max_epochs": 2, "precision": name, "accelerator": "cpu"}
        settings = candidate(**network, trainer=trainer)
        assert train_candidate(settings, data, tmp_path / name)["status"] == "ok"
        written[name] = load_file(tmp_path / name / "model.safetensors")
    exact, found = written["32-true"], written[precision]
    assert found.keys() == exact.keys()
    assert {values.dtype for values in found.values()} == {np.dtype(np.float32)}
    differences = np.array([np.abs(found[key] - exact[key]).max() for key in exact])
    if precision.startswith("32"):
        assert (differences == 0).all()
    else:
        # Adam's steps are at most about the learning rate, 0.002, whatever the rounding: 6 steps of it.
        assert 0 < differences.max() < 0.012
    with np.load(tmp_path / precision / "valid.npz", allow_pickle=False) as saved:
        assert saved["prediction"].dtype == np.float32
        assert np.isfinite(saved["prediction"]).all()
