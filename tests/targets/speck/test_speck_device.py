"""Flashing: without a Python for it, without samna, without a device, with one that hangs; and what is set on a device.

The samna here is a stand-in written by the tests: it has the calls that the script makes, and keeps what it is given.
"""

from __future__ import annotations

import json
import sys

import pytest
import torch
from torch import nn

from snnctl.errors import NoDevice, RunFailed, UserError
from snnctl.targets.speck.configuration import FILE
from tests.targets.speck.chip import chain, speck

SAMNA = """
import json, os, time
from types import SimpleNamespace as Some
class Kit:
    def __init__(self): self.said = {}
    def get_model(self): return self
    def get_io_module(self): return self
    def set_slow_clk(self, on): self.said["slow"] = on
    def set_slow_clk_rate(self, rate):
        self.said["rate"] = rate
        open(os.environ["SPECK_SEEN"], "w").write(json.dumps(self.said))
    def apply_configuration(self, configuration):
        if os.environ.get("SPECK_HANGS"): time.sleep(60)
        self.said["cores"] = {i: {k: v for k, v in vars(layer).items() if k != "destinations"}
                              | {"to": [vars(d) for d in layer.destinations]}
                              for i, layer in enumerate(configuration.cnn_layers) if hasattr(layer, "weights")}
boards = [Some(device_type_name=name) for name in os.environ.get("SPECK_BOARDS", "").split()]
device = Some(get_all_devices=lambda: boards, open_device=lambda board: Kit())
speck2f = Some(validate_configuration=lambda c: (not os.environ.get("SPECK_REFUSES"), "too large"))
"""
CONFIGURATION = """
from types import SimpleNamespace as Some
def SpeckConfiguration():
    layers = [Some(destinations=[Some(enable=False), Some(enable=False)]) for _ in range(9)]
    return Some(dvs_layer=Some(), cnn_layers=layers)
"""


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(1)
    circuit = chain((1, 4, 5), {"conv": nn.Conv2d(1, 2, (3, 3))}, {"pool": nn.AvgPool2d(2)})
    chip = speck()
    plan = chip.plan(circuit)
    chip.build(chip.quantise(circuit, plan), circuit, plan, tmp_path)
    return tmp_path


@pytest.fixture
def samna(tmp_path_factory, monkeypatch):
    there = tmp_path_factory.mktemp("site")
    for name, text in (("samna/__init__.py", SAMNA), ("samna/speck2f/__init__.py", ""),
                       ("samna/speck2f/configuration.py", CONFIGURATION)):  # fmt: skip
        (there / name).parent.mkdir(exist_ok=True)
        (there / name).write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(there))
    monkeypatch.setenv("SPECK_SEEN", str(there / "seen.json"))
    return there


def test_without_a_python_it_says_what_was_looked_for_and_the_command(folder):
    with pytest.raises(NoDevice) as error:
        speck().flash(folder)
    assert error.value.exit_code == 3
    assert "no Python with samna" in error.value.problem and "speck2fdevkit" in error.value.problem
    assert "target.sdk_python=" in error.value.hint and f"{folder / 'device.py'} {folder / FILE}" in error.value.hint
    assert any("device.py" in step for step in speck().next_steps(folder))


def test_without_samna_and_without_a_program(folder, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with pytest.raises(NoDevice, match="samna is not installed in"):
        speck(sdk_python=sys.executable).flash(folder)
    with pytest.raises(UserError, match="is no program"):
        speck(sdk_python="/nowhere/python").flash(folder)
    with pytest.raises(UserError, match="did not run"):
        speck(sdk_python="/bin/true").flash(folder)


def test_without_a_device_it_names_the_board(folder, samna, monkeypatch):
    monkeypatch.setenv("SPECK_BOARDS", "Xylo")
    with pytest.raises(NoDevice, match=r"no Speck2fDevKit is attached \(devices that samna sees: Xylo\)"):
        speck(sdk_python=sys.executable).flash(folder)


def test_a_device_gets_the_configuration(folder, samna, monkeypatch):
    monkeypatch.setenv("SPECK_BOARDS", "Speck2fDevKit")
    assert speck(sdk_python=sys.executable).flash(folder) == "2 cores of a Speck2fDevKit configured"
    seen = json.loads((samna / "seen.json").read_text())
    said = json.loads((folder / FILE).read_text())
    assert seen["rate"] == 1000 and seen["slow"] is True and seen["cores"].keys() == said["cores"].keys()
    for number, core in seen["cores"].items():
        for key in ("weights", "biases", "threshold_high", "threshold_low", "dimensions", "return_to_zero"):
            assert core[key] == said["cores"][number][key]
    first, second = (seen["cores"][n] for n in sorted(seen["cores"]))
    assert first["to"] == [{"enable": True, "layer": 1, "pooling": 2}, {"enable": False}]
    assert torch.tensor(first["neurons_initial_value"]).shape == (2, 3, 2)  # [f][x][y]
    assert second["monitor_enable"] and not first["monitor_enable"]


def test_a_device_that_hangs_is_given_up(folder, samna, monkeypatch):
    monkeypatch.setenv("SPECK_BOARDS", "Speck2fDevKit")
    monkeypatch.setenv("SPECK_HANGS", "1")
    with pytest.raises(RunFailed, match=r"did not end within 0\.8 s"):
        speck(sdk_python=sys.executable, seconds=0.8).flash(folder)


def test_a_configuration_that_samna_refuses_fails(folder, samna, monkeypatch):
    monkeypatch.setenv("SPECK_BOARDS", "Speck2fDevKit")
    monkeypatch.setenv("SPECK_REFUSES", "1")
    with pytest.raises(RunFailed) as error:
        speck(sdk_python=sys.executable).flash(folder)
    assert "samna refuses the configuration: too large" in error.value.hint
