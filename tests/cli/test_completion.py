"""The scripts; bash's is run in bash as its own completion calls it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def press_tab(tmp_path, snnctl):
    """Type a line in bash, press tab; returns the words offered."""
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    script = tmp_path / "snnctl.bash"
    script.write_text(snnctl("completion", "bash")[1])
    program = tmp_path / "bin" / "snnctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m snnctl "$@"\n')
    program.chmod(0o755)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{program.parent}:{os.environ['PATH']}"}

    def press(*lines: str) -> list[list[str]]:
        code = f"source {script}\n"
        for line in lines:
            code += (
                f"COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=({line}); COMP_CWORD=1\n"
                "_snnctl; printf '%s ' \"${COMPREPLY[@]}\"; echo\n"
            )
        done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, env=env, check=True)
        assert done.stderr == ""
        return [line.split() for line in done.stdout.splitlines()]

    return press


def test_in_bash(press_tab):
    verbs, recipes, group, key, value, nothing = press_tab(
        "snnctl tr",
        "snnctl train digits_c",
        "snnctl train neuron=stb",
        "snnctl train digits_conv optimizer.l",
        "snnctl train surrogate@neuron.surrogate=fast_",
        "snnctl train zzz",
    )
    assert verbs == ["train"]
    assert recipes == ["digits_conv"]
    assert group == ["stbif"]  # bash keeps what stands before the `=`
    assert key == ["optimizer.lr="]
    assert value == ["fast_sigmoid"]
    assert nothing == []


def test_the_script_is_registered(press_tab, tmp_path):
    done = subprocess.run(
        ["bash", "-c", f"source {tmp_path}/snnctl.bash; complete -p snnctl"], capture_output=True, text=True
    )
    assert "-F _snnctl" in done.stdout


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_in_other_shells(snnctl, tmp_path, shell):
    code, out, _ = snnctl("completion", shell)
    assert code == 0 and "snnctl completion words" in out
    if shutil.which(shell):
        (tmp_path / "script").write_text(out)
        assert subprocess.run([shell, "-n", str(tmp_path / "script")]).returncode == 0


def test_unknown_shell(snnctl):
    code, _, err = snnctl("completion", "bsh")
    assert code == 2 and "bash" in err
    assert snnctl("completion")[0] == 2
