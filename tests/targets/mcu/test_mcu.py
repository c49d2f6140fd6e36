"""The target "mcu" with its tool chain: compiled for the boards, run in QEMU and on this machine.

Skipped where the tools are missing; SNNCTL_REQUIRE_TOOLS=1 makes that a failure.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from snnctl.circuits import Circuit, Projection
from snnctl.cli import main
from snnctl.errors import NoDevice, RunFailed, UserError
from snnctl.kernels.c import CFLAGS
from snnctl.neurons import EIF, IF, LI, LIF, AdEx, Izhikevich
from snnctl.targets import DoesNotFit, artefact
from snnctl.targets.mcu import MCU
from snnctl.targets.mcu.emulator import about, encoded, instructions, on_host
from snnctl.targets.target import Traces
from tests.kernels import conventions
from tests.targets.mcu.circuits import DT, circuits, convolutional, events, joined, recurrent, target

BOARDS = ("lm3s6965evb", "mps2-an385", "mps2-an386", "mps2-an500")
WARNINGS = "-Wall -Wextra -Wpedantic -Wshadow -Wdouble-promotion -Wfloat-conversion -Werror"
QUIET = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@pytest.fixture(autouse=True)
def tools():
    """The programs that build and simulate."""
    missing = [t.name for t in MCU.tools if t.purpose != "flash" and not t.present()]
    missing += ["cc"] if shutil.which("cc") is None else []
    if missing:
        stop = pytest.fail if os.environ.get("SNNCTL_REQUIRE_TOOLS") else pytest.skip
        stop(f"not installed: {', '.join(missing)} (apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi "
             "qemu-system-arm make gcc)")  # fmt: skip


def built(mcu: MCU, circuit: Circuit, folder: Path, x: torch.Tensor | None = None):
    """The model and the artefact's folder, made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    plan = mcu.plan(circuit)
    model = mcu.quantise(circuit, plan, x)
    mcu.build(model, circuit, plan, folder)
    return model


def assert_equal(a: Traces, b: Traces) -> None:
    """Bit for bit, but that -0 is 0."""
    assert torch.equal(a.out, b.out) and a.spikes.keys() == b.spikes.keys()
    for name, spikes in a.spikes.items():
        assert torch.equal(spikes, b.spikes[name]), name


@pytest.mark.parametrize("board", BOARDS)
def test_every_board_and_the_host_equal_the_model_in_whole_numbers(board, tmp_path):
    mcu, circuit = target(f"board={board}"), recurrent()
    x = events(circuit, 12, 6)
    expected = built(mcu, circuit, tmp_path / "a", x).run(x)
    assert 0.05 < expected.spikes["hidden"].mean() < 0.9
    assert_equal(mcu.simulate(tmp_path / "a", x), expected)
    assert_equal(on_host(tmp_path / "a", x, 60), expected)


@settings(max_examples=12, **QUIET)
@given(circuits(), st.sampled_from(BOARDS), st.sampled_from([32, 16]), st.booleans())
def test_any_circuit_equals_the_model_in_whole_numbers(tmp_path_factory, circuit, board, bits, graded):
    mcu, folder = target(f"board={board}", f"state_bits={bits}"), tmp_path_factory.mktemp("any") / "a"
    x = events(circuit, 9, 3, 0.4)
    x = torch.randn(x.shape, generator=torch.Generator().manual_seed(1)) * 2 if graded else x
    expected = built(mcu, circuit, folder, x).run(x)
    assert_equal(mcu.simulate(folder, x), expected)
    assert_equal(on_host(folder, x, 60), expected)


@settings(max_examples=6, **QUIET)
@given(circuits(), st.sampled_from(["mps2-an386", "mps2-an500"]))
def test_any_circuit_equals_the_model_in_float(tmp_path_factory, circuit, board):
    mcu, folder = target("numbers=float", f"board={board}"), tmp_path_factory.mktemp("any") / "a"
    x = torch.randn(9, 3, *circuit.shapes["input"], generator=torch.Generator().manual_seed(1))
    expected = built(mcu, circuit, folder).run(x)
    assert_equal(mcu.simulate(folder, x), expected)
    assert_equal(on_host(folder, x, 60), expected)
    _, _, spikes = circuit.trace(x)  # which sums in another order
    assert all((expected.spikes[name] - spikes[name]).abs().mean() < 0.02 for name in spikes)


def test_neurons_of_every_convention_equal_their_step_in_float(tmp_path):
    """Those whose step calls the C library's mathematics differ from torch in the last bits."""
    mcu, shape = target("numbers=float", "board=mps2-an386"), conventions.SHAPE
    neurons = {f"n{i}": neuron for i, neuron in enumerate(conventions.cases())}
    close = {"eif": EIF(), "adex": AdEx(), "izhikevich": Izhikevich()}
    neurons |= close
    joints = [Projection("input", name) for name in neurons] + [Projection("n0", "output")]
    shapes = {name: shape for name in ("input", *neurons, "output")}
    circuit = Circuit(neurons, joints, shapes, conventions.DT).requires_grad_(False)
    x = conventions.drive(25, 2, *shape)
    expected = built(mcu, circuit, tmp_path / "a").run(x)
    given = mcu.simulate(tmp_path / "a", x)
    assert all(torch.equal(given.spikes[n], expected.spikes[n]) for n in neurons if n not in close)
    assert sum(expected.spikes[n].any().item() for n in neurons) >= len(neurons) - len(close)
    for name in close:
        assert (given.spikes[name] != expected.spikes[name]).float().mean() < 0.02
    assert any("C library's mathematics" in note for note in mcu.plan(circuit).notes)


def test_a_network_of_34x34x2_runs_in_256_kb_of_flash_and_64_kb_of_ram(tmp_path):
    mcu, circuit = target("input=counts"), convolutional()
    x = events(circuit, 4, 2, 0.1)
    model = built(mcu, circuit, tmp_path / "a", x)
    expected = model.run(x)
    assert expected.spikes["second"].any()
    assert_equal(mcu.simulate(tmp_path / "a", x), expected)
    facts, used = about(tmp_path / "a"), mcu.plan(circuit).resources[-2:]
    for resource, linked in zip(used, (facts["flash"], facts["ram"]), strict=True):
        assert linked <= resource.used <= linked + 2000  # what the plan said before anything was compiled
    assert facts["flash"] < 262144 and facts["ram"] < 65536


def test_the_linker_has_the_last_word(tmp_path):
    large, small = target("board=mps2-an385"), target()
    circuit = convolutional((16, 96))
    plan = large.plan(circuit)
    with pytest.raises(DoesNotFit) as error:
        small.build(small.quantise(circuit, plan), circuit, plan, tmp_path)
    [misfit] = error.value.misfits
    assert misfit.layer == "second" and misfit.problem.startswith("RAM ") and "first 19," in misfit.problem
    assert "target.board=mps2-an385" in misfit.hint


@pytest.mark.parametrize("board", ["lm3s6965evb", "mps2-an385"])
def test_samples_come_in_over_the_serial_port_too(board, tmp_path):
    mcu, circuit = target(f"board={board}", "io=uart"), recurrent()
    x = events(circuit, 5, 2)
    expected = built(mcu, circuit, tmp_path / "a", x).run(x)
    assert_equal(mcu.simulate(tmp_path / "a", x), expected)


def test_only_the_rows_of_what_fired_are_read(tmp_path):
    """gcov counts how often the line that takes a row of weights is run."""
    circuit = recurrent()
    x = events(circuit, 10, 3, 0.1)
    expected = built(target(), circuit, tmp_path / "a", x).run(x)
    flags = f"CFLAGS={' '.join(CFLAGS)} -O0 --coverage"
    quiet = {"cwd": tmp_path / "a", "check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["make", "-s", "host", flags], **quiet)
    subprocess.run([tmp_path / "a" / "host"], input=encoded(about(tmp_path / "a"), x), **quiet)
    subprocess.run(["gcov", "host-snn.gcda"], **quiet)
    lines = (tmp_path / "a" / "snn.c.gcov").read_text().splitlines()
    rows = {m[2]: int(m[1]) for line in lines if (m := re.match(r"\s*(\d+)\*?:.*int8_t \*w = (\w+)_w \+", line))}
    fired = expected.spikes["hidden"]
    assert rows == {
        "hidden_from0": int((x > 0).sum()),
        "hidden_from1": int(fired[:-1].sum()),  # what the last step fired goes nowhere
        "readout_from0": int(fired.sum()),
    }


def test_instructions_of_a_step_are_counted_and_grow_with_the_events(tmp_path):
    circuit, found = recurrent(), {}
    for board in ("lm3s6965evb", "mps2-an385"):  # the same core, another clock
        built(target(f"board={board}"), circuit, tmp_path / board)
        for density in (0.0, 0.2, 0.8):
            x = events(circuit, 6, 2, density)
            found[board, density] = instructions(tmp_path / board, about(tmp_path / board), x, 60)
    one, other = [[found[board, density][0] for density in (0.0, 0.2, 0.8)] for board in ("lm3s6965evb", "mps2-an385")]
    assert one[0] < one[1] < one[2] and one[2] > 1.5 * one[0]
    assert all(abs(a - b) <= 80 for a, b in zip(one, other, strict=True))
    mcu = target()
    built(mcu, circuit, tmp_path / "a", events(circuit, 6, 2, 0.2))
    counted = about(tmp_path / "a")["instructions"]
    assert abs(counted["mean"] - one[1]) <= 80 and counted["mean"] in {r.used for r in mcu.measured(tmp_path / "a")}


@pytest.mark.parametrize("numbers", ["int8", "float"])
def test_the_c_is_c99_without_a_warning(numbers, tmp_path):
    tau = torch.rand(3, 1, 1) * DT + DT
    circuit = joined(
        {"1 für": LIF(tau_mem=tau, per="channel", shape=(3, 4, 4), v_rest=0.1), "acc": IF(reset="value", v_reset=-0.1),
         "x": LI(tau_syn=20e-3)},
        [Projection("input", "1 für", {"conv": nn.Conv2d(2, 3, 3, padding=1)}, 1),
         Projection("1 für", "acc", {"pool": nn.AvgPool2d(2), "flat": nn.Flatten(), "fc": nn.Linear(12, 6)}),
         Projection("acc", "acc", {"back": nn.Linear(6, 6)}, 2), Projection("acc", "x", {"fc": nn.Linear(6, 2)}),
         Projection("x", "output")],
        {"input": (2, 4, 4), "1 für": (3, 4, 4), "acc": (6,), "x": (2,), "output": (2,)},
    )  # fmt: skip
    mcu, x = target(f"numbers={numbers}", "board=mps2-an386"), events(circuit, 8, 2, 0.5)
    expected = built(mcu, circuit, tmp_path / "a", x).run(x)
    assert_equal(mcu.simulate(tmp_path / "a", x), expected)
    flags = f"CFLAGS={' '.join(CFLAGS)} {WARNINGS}"
    for goal in ("firmware.elf", "host"):
        subprocess.run(["make", "-s", "-B", goal, flags], cwd=tmp_path / "a", check=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The recipe, trained for two epochs."""
    folder = tmp_path_factory.mktemp("run") / "digits"
    small = ("trainer.max_epochs=2", "trainer.limit_test_batches=1", "eval_after=false")
    assert main(["train", "digits_mcu", *small, f"hydra.run.dir={folder}"]) == 0
    return folder


def test_200_samples_of_the_recipe(run, capsys):
    assert main(["deploy", str(run), "samples=200"]) == 0
    report = json.loads((run / "deploy" / "mcu" / "report.json").read_text())
    assert report["samples"] == 200 and report["equal_bit_for_bit"]["simulated"]
    assert abs(report["accuracy"]["simulated"] - report["accuracy"]["float"]) <= 0.02
    assert report["spike_agreement"]["simulated"]["hidden.0.neuron"] > 0.98
    said = capsys.readouterr().out
    assert "QEMU lm3s6965evb" in said and re.search(r"flash, linked 39,\d+ of 262,144 bytes", said)
    place = run / "deploy" / "mcu" / "artefact"
    before = (place / "firmware.hex").read_bytes()
    assert main(["deploy", str(run), "samples=8", "--emulate"]) == 0 and "unchanged" in capsys.readouterr().out
    assert (place / "firmware.hex").read_bytes() == before
    (place / "snn.c").write_text("/* mine */")
    with pytest.raises(UserError, match=r"snn\.c was edited"):
        artefact.opened(place)


def test_the_same_network_gives_the_same_firmware(tmp_path):
    for name in "ab":
        built(target(), recurrent(), tmp_path / name)
    for file in ("firmware.hex", "firmware.bin", "snn.c", "network.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_missing_tools_are_named_with_what_gets_them(tmp_path, monkeypatch):
    mcu, circuit = target(), recurrent()
    built(mcu, circuit, tmp_path / "a")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"arm-none-eabi-gcc is missing.*\n.*libnewlib-arm-none-eabi") as error:
        mcu.build(mcu.quantise(circuit, mcu.plan(circuit)), circuit, mcu.plan(circuit), tmp_path)
    assert error.value.exit_code == 2
    with pytest.raises(UserError, match=r"qemu-system-arm is missing, needed to simulate\nget it   apt-get install"):
        mcu.simulate(tmp_path / "a", events(circuit, 2, 1))
    with pytest.raises(UserError, match=r"pyocd is missing, needed to flash\nget it   pip install pyocd"):
        mcu.flash(tmp_path / "a")


def script(folder: Path, name: str, text: str) -> None:
    """A program in a folder."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def test_flashing(tmp_path, monkeypatch):
    mcu = target("flash_time_limit=1.0")
    built(mcu, recurrent(), tmp_path / "a")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    # What pyOCD 0.44 says without a probe, with one, and what it does where it waits for one.
    script(tmp_path / "bin", "pyocd", "echo '0000549 E No target device available [load_cmd]' >&2; exit 1")
    by_hand = r"no debug probe.*\n.*pyocd list\nby hand .*flash -W -t lm3s6965 .*hex"
    with pytest.raises(NoDevice, match=by_hand) as error:
        mcu.flash(tmp_path / "a")
    assert error.value.exit_code == 3
    script(tmp_path / "bin", "pyocd", 'echo "$@" > ' + str(tmp_path / "given"))
    assert "lm3s6965" in mcu.flash(tmp_path / "a")
    assert (tmp_path / "given").read_text().split() == f"flash -W -t lm3s6965 {tmp_path}/a/firmware.hex".split()
    script(tmp_path / "bin", "pyocd", "echo 'E Target type lm3s6965 not recognized'; exit 1")
    with pytest.raises(RunFailed, match=r"exit code 1\n.*not recognized"):
        mcu.flash(tmp_path / "a")
    script(tmp_path / "bin", "pyocd", "exec sleep 20")
    with pytest.raises(RunFailed, match=r"pyocd did not end within 1 s"):
        mcu.flash(tmp_path / "a")


def test_an_emulator_that_hangs_or_writes_too_little_is_a_failure(tmp_path, monkeypatch):
    mcu, circuit = target("time_limit=1.0"), recurrent()
    built(target(), circuit, tmp_path / "a")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    script(tmp_path / "bin", "qemu-system-arm", "exec sleep 20")
    with pytest.raises(RunFailed, match=r"qemu-system-arm did not end within 1 s"):
        mcu.simulate(tmp_path / "a", events(circuit, 2, 1))
    script(tmp_path / "bin", "qemu-system-arm", "printf abc > out.bin")
    with pytest.raises(RunFailed, match=r"the firmware wrote 3 bytes, expected 520"):
        mcu.simulate(tmp_path / "a", events(circuit, 2, 5))


def test_an_input_of_another_shape(tmp_path):
    built(target(), recurrent(), tmp_path / "a")
    with pytest.raises(UserError, match=r"the input has \(5,\) a step"):
        target().simulate(tmp_path / "a", torch.zeros(2, 1, 5))
