import numpy as np
import pytest
import torch

from lucidna.attribution.correction import correct
from lucidna.attribution.methods import explain, method_arguments
from lucidna.attribution.output import ScalarOutput
from lucidna.errors import UserError


@pytest.mark.parametrize(("method", "given"), [("saliency", {}), ("smoothgrad", {"samples": 4})])
def test_gradients_are_corrected_unless_that_is_turned_off(toys, onehot, method, given):
    net = ScalarOutput(toys.ToyCNN(40), head="logit")
    running = {"label": "net", "seed": 0, "batch_size": 64, "device": "cpu"}
    found, raw = (
        explain(method, net, torch.from_numpy(onehot), arguments=method_arguments(method, given | change), **running)
        for change in ({}, {"correction": False})
    )
    assert np.abs(found.maps.sum(axis=1)).max() < 1e-5 < 1e-3 < np.abs(raw.maps.sum(axis=1)).max()
    known = onehot.sum(axis=1, keepdims=True) > 0
    np.testing.assert_allclose(found.maps, correct(raw.maps) * known, atol=1e-6)
    np.testing.assert_array_equal(found.angles, raw.angles)


def test_what_has_no_correction_takes_no_such_argument():
    with pytest.raises(UserError, match="no argument of deepshap 'correction'"):
        method_arguments("deepshap", {"correction": False})
