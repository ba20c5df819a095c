import os
import pickle
import sys
import zipfile
from types import ModuleType

import pytest
import torch
from torch import nn

from lucidna.errors import UserError
from lucidna.external.bpnetlite import BPNetLite, read_bpnetlite
from lucidna.external.checkpoint import read_pickled_module


class Attack:
    """Unpickled as usual, it calls a function of the attacker's choice."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def write_archive(path, content, *, inside="model/data.pkl", storages=None):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(inside, content)
        for key, raw in (storages or {}).items():
            archive.writestr(f"model/data/{key}", raw)
    return path


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A small BPNet saved whole, under the class name that bpnet-lite gives it."""
    package, module = ModuleType("bpnetlite"), ModuleType("bpnetlite.bpnet")
    module.BPNet = type("BPNet", (BPNetLite,), {"__module__": "bpnetlite.bpnet"})
    monkeypatch.setitem(sys.modules, "bpnetlite", package)
    monkeypatch.setitem(sys.modules, "bpnetlite.bpnet", module)
    torch.manual_seed(0)
    model = module.BPNet(
        n_filters=5, n_layers=2, n_outputs=2, n_control_tracks=0, trimming=12, profile_bias=True, count_bias=False
    )
    path = tmp_path / "bpnet.torch"
    torch.save(model, path)
    return model, path


def test_a_module_saved_whole_is_read_and_rebuilt(saved):
    model, path = saved
    kind, settings, weights = read_pickled_module(path)
    assert kind == "bpnetlite.bpnet.BPNet"
    assert settings["trimming"] == 12
    expected = model.state_dict()
    assert list(weights) == list(expected)
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    again = read_bpnetlite(path)
    x = torch.eye(4)[torch.randint(0, 4, (2, 60))].transpose(1, 2)
    profile, counts = again(x)
    assert profile.shape == (2, 2, 36)
    with torch.no_grad():
        torch.testing.assert_close(model(x), (profile, counts))


def test_a_control_counts_as_zeros():
    torch.manual_seed(1)
    model = BPNetLite(
        n_filters=3, n_layers=1, n_outputs=2, n_control_tracks=2, trimming=5, profile_bias=True, count_bias=True
    ).eval()
    profile, counts = model(torch.zeros(2, 4, 90))
    assert profile.shape == (2, 2, 80)
    assert counts.shape == (2, 1)
    with pytest.raises(UserError, match="10 bp have none left"):
        model(torch.zeros(1, 4, 10))


@pytest.mark.parametrize(
    ("function", "name"), [(exec, "exec"), (eval, "eval"), (os.system, "system"), (getattr, "getattr")]
)
@pytest.mark.parametrize("protocol", range(5))
def test_a_pickle_with_code_is_refused_and_runs_nothing(tmp_path, function, name, protocol):
    mark = tmp_path / "ran"
    argument = f"touch {mark}" if name == "system" else f"open({str(mark)!r}, 'w').close()"
    content = pickle.dumps({"x": Attack(function, *([{}] if name == "getattr" else []), argument)}, protocol=protocol)
    path = write_archive(tmp_path / "evil.torch", content)
    with pytest.raises(UserError) as caught:
        read_pickled_module(path)
    message = str(caught.value)
    assert all(word in message for word in ("evil.torch", name, "safetensors")), message
    assert "\n" not in message
    assert not mark.exists()
    if name != "getattr":
        pickle.loads(content)  # where pickles are trusted, the same bytes do run
        assert mark.exists()


def test_layers_that_are_not_known_are_refused(tmp_path):
    path = tmp_path / "other.torch"
    torch.save(nn.Sequential(nn.Conv1d(4, 2, 3), nn.Tanh()), path)
    with pytest.raises(UserError, match=r"it asks for torch\.nn\.modules\.container\.Sequential"):
        read_pickled_module(path)


def test_a_module_that_is_no_bpnet(tmp_path):
    torch.save(nn.Linear(3, 2), tmp_path / "linear.torch")
    with pytest.raises(UserError, match=r"linear\.Linear\) is no BPNet of bpnet-lite \(it has no iconv\.weight\)"):
        read_bpnetlite(tmp_path / "linear.torch")


class Tensor:
    """Pickles as a tensor that claims what it likes of its storage."""

    def __init__(self, size, offset=0):
        self.size, self.offset = size, offset

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, (STORAGE, self.offset, self.size, (1,), False, {})


STORAGE = object()


class Pickler(pickle.Pickler):
    def persistent_id(self, item):
        return ("storage", torch.FloatStorage, "0", "cpu", 3) if item is STORAGE else None


@pytest.mark.parametrize(("size", "offset", "raw"), [((4,), 0, 12), ((3,), 2, 12), ((2,), 0, 8), ((3,), -1, 12)])
def test_a_tensor_never_reads_beyond_its_storage(tmp_path, size, offset, raw):
    with (tmp_path / "pickle").open("wb") as handle:
        Pickler(handle, protocol=2).dump(Tensor(size, offset))
    path = write_archive(tmp_path / "t.torch", (tmp_path / "pickle").read_bytes(), storages={"0": bytes(raw)})
    with pytest.raises(UserError, match="not loaded"):
        read_pickled_module(path)


def test_files_that_are_no_checkpoint(tmp_path):
    (tmp_path / "text").write_text("weights")
    with pytest.raises(UserError, match="not a zip archive"):
        read_pickled_module(tmp_path / "text")
    with pytest.raises(UserError, match="does not exist"):
        read_pickled_module(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"no data\.pkl"):
        read_pickled_module(write_archive(tmp_path / "a.zip", b"", inside="x"))
    torch.save({"a": torch.zeros(2)}, tmp_path / "state.pt")
    with pytest.raises(UserError, match="use kind pytorch"):
        read_pickled_module(tmp_path / "state.pt")
