import io
import sys
import zipfile

import pytest
import torch
from torch import nn

from lucidna.errors import UserError
from lucidna.external.sources import Program, build_class, load_program

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")


@pytest.fixture
def net(source):
    torch.manual_seed(0)
    return build_class(f"{source}:Net", {"width": 3}).eval()


def scripted(net, *, length=40) -> bytes:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.trace(net, torch.zeros(2, 4, length)), buffer)
    return buffer.getvalue()


def exported(net, *, dynamic=True, length=40) -> bytes:
    buffer = io.BytesIO()
    shapes = ({0: torch.export.Dim("n")},) if dynamic else None
    torch.export.save(torch.export.export(net, (torch.zeros(2, 4, length),), dynamic_shapes=shapes), buffer)
    return buffer.getvalue()


def test_a_class_by_file_and_by_module(source, net, monkeypatch):
    assert net.conv.out_channels == 3
    monkeypatch.chdir(source.parent)
    before = list(sys.path)
    assert build_class("nets:Net", {}).conv.out_channels == 6
    assert sys.path == before
    sys.modules.pop("nets")
    assert isinstance(build_class("torch.nn:Linear", {"in_features": 2, "out_features": 1}), nn.Linear)


def test_building_a_class_leaves_the_random_numbers_alone(source):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    build_class(f"{source}:Net", {})
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("{}:Nte", {}, ["'Nte'", "did you mean 'Net'"]),
        ("{}:Net", {"wdith": 3}, ["cannot be built", "wdith"]),
        ("{}:Net", {"width": 0.5}, ["cannot be built"]),
        ("{}:NOT_A_CLASS", {}, ["cannot be built"]),
        ("{}:torch", {}, ["cannot be built"]),
        ("builtins:dict", {}, ["gives dict", "no torch.nn.Module"]),
        ("nowhere.py:Net", {}, ["no file 'nowhere.py'"]),
        ("no_such_package.nets:Net", {}, ["no_such_package.nets", "install"]),
    ],
)
def test_a_class_that_cannot_be_had_is_one_sentence(source, name, arguments, words):
    with pytest.raises(UserError) as caught:
        build_class(name.format(source), arguments)
    assert all(word in str(caught.value) for word in words), caught.value
    assert "\n" not in str(caught.value)


def test_a_file_with_a_mistake_in_it(tmp_path):
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(UserError, match=r"broken\.py cannot be imported \(ModuleNotFoundError"):
        build_class(f"{tmp_path / 'broken.py'}:Net", {})


@pytest.mark.parametrize(("kind", "save"), [("torchscript", scripted), ("export", exported)])
def test_programs_give_the_same_numbers_and_gradients(net, kind, save):
    content = save(net)
    program = load_program(kind, content, "a file").eval()
    assert isinstance(program, Program)
    assert program.content == content
    x = torch.rand(5, 4, 40, requires_grad=True)
    y = torch.rand(5, 4, 40).copy_(x.detach()).requires_grad_()
    torch.testing.assert_close(program(x), net(y))
    program(x).sum().backward()
    net(y).sum().backward()
    torch.testing.assert_close(x.grad, y.grad)
    assert program.train().training
    assert not program.eval().training


@pytest.mark.parametrize(("kind", "other"), [("torchscript", "export"), ("export", "torchscript")])
def test_the_other_kind_of_program_is_refused(net, kind, other):
    content = (exported if other == "export" else scripted)(net)
    with pytest.raises(UserError, match="a file") as caught:
        load_program(kind, content, "a file")
    assert "\n" not in str(caught.value)


def repacked(content: bytes, change) -> bytes:
    """Write the archive again, each member as `change(name, bytes)` gives it back."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        extra = change("extra", None)
        if extra:
            new.writestr(*extra)
    return buffer.getvalue()


def pickled_weight(name, data):
    return data and data.replace(b'"use_pickle": false', b'"use_pickle": true', 1)


def custom_object(name, data):
    if name.endswith("model_constants_config.json"):
        return b'{"config": {"x": {"path_name": "opaque_obj_0", "is_param": false, "use_pickle": false}}}'
    return data


def pickled_module_as_inputs(name, data):
    if name.endswith("sample_inputs/model.pt"):
        buffer = io.BytesIO()
        torch.save(nn.Linear(1, 1), buffer)
        return buffer.getvalue()
    return data


def legacy_weights(name, data):
    return ("archive/data/weights/model.pt", b"x") if name == "extra" else data


@pytest.mark.parametrize("change", [pickled_weight, custom_object, pickled_module_as_inputs, legacy_weights])
def test_exported_programs_with_pickles_in_them_are_refused(net, change):
    content = exported(net)
    load_program("export", repacked(content, lambda name, data: data), "a file")
    with pytest.raises(UserError, match=r"a file (holds|is no exported program)"):
        load_program("export", repacked(content, change), "a file")
