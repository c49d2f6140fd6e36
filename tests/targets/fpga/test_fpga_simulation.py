"""The artefact's Verilog in Icarus Verilog computes the integers of the model, bit for bit, in the clocks it says."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.errors import RunFailed, UserError
from snnctl.targets.fpga import simulation, verilog
from snnctl.targets.fpga.arithmetic import Core, Population, Weights, bits_needed
from snnctl.targets.fpga.layout import Layout, Synapses, layout
from tests.targets.fpga.circuits import circuits, counts, need, recurrent, target


def artefact(core: Core, folder: Path) -> Path:
    verilog.write(core, folder)
    simulation.write(core, folder)
    return folder


def same(core: Core, folder: Path, x: torch.Tensor) -> None:
    given, clocks = simulation.run(artefact(core, folder), x, 60)
    wanted = core.run(x)
    assert torch.equal(given.out, wanted.out)
    assert all(torch.equal(spikes, wanted.spikes[name]) for name, spikes in given.spikes.items())
    assert torch.equal(clocks, core.clocks(x, wanted.spikes))


@settings(max_examples=15, deadline=None)
@given(circuits(), st.integers(0, 12), st.integers(1, 8), st.sampled_from([2, 127]))
def test_any_circuit_that_plans_builds_and_simulates_bit_for_bit(circuit, spare, terms, most):
    need("iverilog", "vvp")
    bits = max(12, *(bits_needed(layout(circuit), name) for name in circuit.names))
    t = target(state_bits=min(30, bits + spare), decay_terms=terms)
    core = t.quantise(circuit, t.plan(circuit))
    with tempfile.TemporaryDirectory() as folder:
        same(core, Path(folder), counts(6, 2, *circuit.shapes["input"], most=most))


def test_sums_that_wrap_and_membranes_that_clamp_do_so_in_verilog(tmp_path):
    need("iverilog", "vvp")
    synapses = Synapses("fc", "input", "p", 1, 2, 0, (0,))
    placed = Layout({"p": 2}, (), (synapses, "p"), 1, 2, "p")
    weights = Weights(torch.tensor([[127.0, -127.0]], dtype=torch.float64), 3, 0.0)
    core = Core(placed, {"p": (2,)}, 12, (weights,), {"p": Population(1.0, 0.0, (), None, "none", 0)})
    x = torch.tensor([1.0, 1, 1, 2]).view(-1, 1, 1)
    same(core, tmp_path, x)
    assert core.run(x).out[:, 0, 0].tolist() == [1016, 1023, 1023, -1024]


def test_the_verilog_has_no_warnings(tmp_path):
    need("iverilog")
    t, circuit = target(), recurrent(4, 6, 3)
    artefact(t.quantise(circuit, t.plan(circuit)), tmp_path)
    for top, files in (("testbench", ["core.v", "ring.v", "testbench.v"]), ("top", list(verilog.SOURCES))):
        command = ["iverilog", "-g2005", "-Wall", "-o", "out.vvp", "-s", top, *files]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60)
        assert done.returncode == 0 and done.stderr == done.stdout == b""


def test_a_simulation_that_hangs_is_stopped(tmp_path, monkeypatch):
    need("iverilog")
    fake = tmp_path / "bin" / "vvp"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent), prepend=":")
    t, circuit = target(), recurrent(2, 3, 2)
    folder = artefact(t.quantise(circuit, t.plan(circuit)), tmp_path)
    with pytest.raises(RunFailed, match="vvp did not end within 1 s"):
        simulation.run(folder, counts(2, 1, 2), 1)


def test_without_icarus_verilog_the_message_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="fpga: the program iverilog is missing, needed to simulate") as caught:
        simulation.run(tmp_path, counts(2, 1, 2), 1)
    assert caught.value.hint == "get it   apt-get install iverilog"
