"""Flashing: no SDK, no board, a board that hangs, and one that takes the configuration."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from snnctl.errors import NoDevice, RunFailed, UserError
from tests.targets.xylo.circuits import chip, circuit, events

SDK = """
import sys
import numpy as np

class Core:
    def __init__(self, board, config, dt, output_mode):
        print("core", board, dt, output_mode)

    def __call__(self, x):
        return np.repeat(x.sum(1, keepdims=True), 3, 1), {}, {}

XyloSamna = Core

def config_from_specification(**given):
    assert given["weights_in"].dtype == np.int8 and given["weights_in"].ndim == 3
    assert given["weight_shift_in"] == given["weight_shift_rec"]
    return given, VALID, "too large"
"""


@pytest.fixture
def built(tmp_path) -> tuple[Path, Path]:
    """An artefact, and an interpreter in which stand-ins for Rockpool and samna can be put: its script and packages."""
    target, net = chip("a3"), circuit()
    plan = target.plan(net)
    folder, packages = tmp_path / "artefact", tmp_path / "packages"
    folder.mkdir(), packages.mkdir()
    target.build(target.quantise(net, plan, events()), net, plan, folder)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{packages}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return folder, packages


def install(packages: Path, boards: str, valid: bool = True) -> None:
    module = packages / "rockpool" / "devices" / "xylo" / "syns65302"
    module.mkdir(parents=True)
    for folder in [module, *module.parents[:3]]:
        (folder / "__init__.py").write_text("")
    (packages / "samna.py").write_text("raise RuntimeError('imported')")
    (module / "__init__.py").write_text(SDK.replace("VALID", str(valid)))
    (module / "xa3_devkit_utils.py").write_text(f"def find_xylo_a3_boards():\n    {boards}\n")


def flash(built, **options) -> str:
    folder, packages = built
    return chip("a3", sdk_python=str(packages.parent / "python"), **options).flash(folder)


def test_no_interpreter(built):
    with pytest.raises(NoDevice) as caught:
        chip("a3").flash(built[0])
    assert caught.value.exit_code == 3 and "target.sdk_python" in caught.value.hint
    assert str(built[0] / "configure.py") in caught.value.hint
    with pytest.raises(UserError, match="no program") as caught:
        chip("a3", sdk_python="/nowhere/python").flash(built[0])
    assert caught.value.exit_code == 2


def test_no_sdk(built):
    with pytest.raises(NoDevice, match="no sdk: without rockpool and samna"):
        flash(built)


def test_no_board(built):
    install(built[1], "return []")
    with pytest.raises(NoDevice, match=r"no board: find_xylo_a3_boards\(\) found none") as caught:
        flash(built)
    assert caught.value.exit_code == 3


def test_a_board_that_hangs(built):
    install(built[1], "import time; time.sleep(60)")
    with pytest.raises(RunFailed, match="did not end within 1 s"):
        flash(built, seconds=1)


def test_an_sdk_that_fails_or_refuses(built):
    install(built[1], "return ['kit']", valid=False)
    with pytest.raises(RunFailed, match="invalid") as caught:
        flash(built)
    assert "too large" in caught.value.hint
    (built[1] / "rockpool/devices/xylo/syns65302/xa3_devkit_utils.py").write_text("1 / 0\n")
    with pytest.raises(RunFailed, match="exit code 1") as caught:
        flash(built)
    assert "ZeroDivisionError" in caught.value.hint


def test_a_board(built):
    install(built[1], "return ['kit']")
    assert flash(built) == "configured kit"
    folder, packages = built
    np.save(packages.parent / "x.npy", np.ones((4, 5), int))
    words = [packages.parent / "python", folder / "configure.py", "--input", packages.parent / "x.npy", "--output",
             packages.parent / "out.npy"]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert "core kit 0.001 Vmem" in done.stdout and json.loads(done.stdout.splitlines()[-1])["status"] == "configured"
    assert np.load(packages.parent / "out.npy").tolist() == [[5, 5, 5]] * 4


def test_what_to_do_next(built):
    steps = chip("a3").next_steps(built[0])
    assert any("--input x.npy" in step for step in steps) and all("configure.py" in step for step in steps)
