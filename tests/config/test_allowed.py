"""A recipe is data: what `_target_` may and may not name."""

from __future__ import annotations

import sys

import pytest

from snnctl.config import allowed
from snnctl.config.building import build
from snnctl.errors import UserError


@pytest.fixture(autouse=True)
def permissions(monkeypatch):
    monkeypatch.setattr(allowed, "_packages", [])
    monkeypatch.setattr(allowed, "_folders", [])
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.mark.parametrize(
    "target",
    [
        "torch.nn.Linear",
        "torch.nn.init.kaiming_normal_",
        "torch.nn.functional.relu",
        "torch.optim.lr_scheduler.OneCycleLR",
        "torchmetrics.Accuracy",
        "torchmetrics.classification.MulticlassF1Score",
        "lightning.Trainer",
        "lightning.pytorch.callbacks.EarlyStopping",
        "lightning.pytorch.loggers.CSVLogger",
        "lightning.pytorch.strategies.DDPStrategy",
        "tonic.transforms.DropEvent",
        "snnctl.neurons.LIF",
        "snnctl.datasets.Rate",
    ],
)
def test_allowed(target):
    assert allowed.refusal(target) is None
    assert callable(allowed.find(target))


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "hydra.utils.get_method",
        "functools.partial",
        "torch",
        "torch..nn",
        "torch.nn.Linear ",
        "torch.nn.Linear.__init__",
        "snnctl.__main__.main",
        "pytorch_lightning.Trainer",
        3,
        None,
    ],
)
def test_refused_by_name(target):
    assert isinstance(allowed.refusal(target), UserError)


@pytest.mark.parametrize(
    "target",
    [
        "torch.os.system",
        "torch.hub.load",
        "torch.load",
        "torch.serialization.load",
        "torch.jit.load",
        "torch.ops.load_library",
        "torch.package.PackageImporter",
        "torch.utils.cpp_extension.load",
        "torch.multiprocessing.Process",
        "torch.distributed.elastic.multiprocessing.subprocess_handler.SubprocessHandler",
        "torch.nn.modules.linear.math.sqrt",
        "torch.nn.Module.load_state_dict",
        "torch.nn.functional.importlib.import_module",
        "lightning.pytorch.cli.LightningCLI",
        "lightning.pytorch.Trainer.fit",
        "lightning.pytorch.strategies.launchers.subprocess_script.subprocess.Popen",
        "tonic.datasets.nmnist.os.system",
        "tonic.download_utils.download_url",
        "snnctl.cli.main",
        "snnctl.config.launch",
        "snnctl.config.allowed.allow",
        "snnctl.commands.train.run",
        "snnctl.atomic.write_text",
        "snnctl.datasets.source.Path",
        "snnctl.neurons.Nope",
    ],
)
def test_refused_after_a_look(target):
    with pytest.raises(UserError, match=r"not allowed|there is no"):
        allowed.find(target)


def test_every_function_on_the_list_is_of_its_module():
    """What torch.nn.functional only imports (dispatchers, torch functions taking callables) stays out."""
    import torch.nn.functional as functional

    outsiders = [
        name
        for name, value in vars(functional).items()
        if callable(value) and not isinstance(value, type) and value.__module__ not in ("torch.nn.functional",)
        if not name.startswith("_")
    ]
    assert "handle_torch_function" in outsiders
    for name in outsiders:
        with pytest.raises(UserError):
            allowed.find(f"torch.nn.functional.{name}")


HOSTILE = "from pathlib import Path\nPath({mark!r}).write_text('imported')\nclass Layer:\n    pass\n"


def test_nothing_outside_is_imported(tmp_path, monkeypatch):
    mark = tmp_path / "mark"
    (tmp_path / "evil_layers.py").write_text(HOSTILE.format(mark=str(mark)))
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match=r"evil_layers\.Layer is not allowed") as caught:
        build({"good": {"_target_": "torch.nn.Identity"}, "bad": [{"_target_": "evil_layers.Layer"}]})
    assert "bad[0]" in caught.value.problem
    assert "--allow evil_layers" in caught.value.hint
    assert not mark.exists()
    allowed.allow("evil_layers")
    assert type(build({"_target_": "evil_layers.Layer"})).__name__ == "Layer"
    assert mark.exists()


def test_a_file_beside_the_recipe(tmp_path):
    (tmp_path / "own_neurons.py").write_text(
        "import os\nclass Mine:\n    def __init__(self, a=1):\n        self.a = a\n"
    )
    with pytest.raises(UserError):
        allowed.find("own_neurons.Mine")
    allowed.trust_folder(tmp_path)
    assert build({"_target_": "own_neurons.Mine", "a": 5}).a == 5
    with pytest.raises(UserError, match="leads out of own_neurons into os"):
        allowed.find("own_neurons.os.system")


def test_a_file_with_the_name_of_an_installed_module(tmp_path):
    (tmp_path / "json.py").write_text("class Mine:\n    pass\n")
    allowed.trust_folder(tmp_path)
    with pytest.raises(UserError, match="belongs to another installed module"):
        allowed.find("json.JSONDecoder")


def test_allow_takes_names_only():
    with pytest.raises(UserError):
        allowed.allow("../evil")
