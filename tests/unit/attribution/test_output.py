import pytest
import torch

from lucidna.attribution.output import ScalarOutput, fitting_batch, frozen_arguments, predict


def test_scalar_heads_pick_the_task(toys, onehot):
    net = toys.LinearNet(40, n_tasks=3)
    x = torch.from_numpy(onehot)
    for task in range(3):
        assert torch.equal(ScalarOutput(net, head="logit", task=task)(x), net(x)[:, [task]])
    profile = toys.ProfileNet()
    assert torch.equal(ScalarOutput(profile, head="counts", task=1)(x), profile(x)[1][:, [1]])


@pytest.mark.parametrize(("task", "channels"), [(0, [0, 1]), (1, [2])])
def test_profile_head_and_its_gradient_are_those_of_the_formula(toys, onehot, task, channels):
    net = toys.ProfileNet().eval()
    x = torch.from_numpy(onehot).requires_grad_()
    logits = net(x)[0][:, channels].flatten(1)
    weights = logits.detach().softmax(dim=1)
    # sum_j w_j (z_j - mean z), and because the weights are fixed d/dz_j = w_j - 1/m.
    expected = (weights * logits).sum(1) - logits.mean(1)
    output = ScalarOutput(net, head="profile", task=task)(x)
    torch.testing.assert_close(output[:, 0], expected)
    upstream = weights - 1 / logits.shape[1]
    by_hand = torch.autograd.grad(logits, x, grad_outputs=upstream)[0]
    torch.testing.assert_close(torch.autograd.grad(output.sum(), x)[0], by_hand)
    assert by_hand.abs().max() > 1e-3


def test_frozen_weights_are_those_of_the_explained_sequence(toys, onehot):
    output = ScalarOutput(toys.ProfileNet(), head="profile", task=0)
    x = torch.from_numpy(onehot)
    (weights,) = frozen_arguments(output, x, batch_size=2, device="cpu")
    torch.testing.assert_close(weights.sum(1), torch.ones(len(x)))
    torch.testing.assert_close(output(x, weights), output(x))
    assert not torch.allclose(output(x.flip(0), weights), output(x.flip(0)))
    assert frozen_arguments(ScalarOutput(toys.ProfileNet(), head="counts"), x, batch_size=2, device="cpu") == ()


def test_predict_is_the_forward_pass_in_batches(toys, onehot):
    net = ScalarOutput(toys.ToyCNN(40), head="logit")
    x = torch.from_numpy(onehot)
    torch.testing.assert_close(predict(net, x, batch_size=2), net(x)[:, 0].detach())


def test_long_sequences_go_through_a_cpu_in_smaller_batches():
    assert fitting_batch(64, 256, "cpu") == 64
    assert fitting_batch(64, 2114, "cpu") == 15
    assert fitting_batch(64, 2114, "cuda:0") == 64
    assert fitting_batch(64, 10**6, "cpu") == 2


def test_unknown_head_is_refused(toys):
    with pytest.raises(ValueError, match="profile"):
        ScalarOutput(toys.LinearNet(40), head="probability")
