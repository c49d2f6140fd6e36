"""Compiled code on disk: made once, never trusted, shared by processes, and done without where it cannot be kept."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from snnctl.kernels import compiled
from snnctl.kernels.compiled import Kernel, kernel_folder

TEXT = '''"""A kernel."""
import numpy as np
from numba import njit

@njit(cache={cache}, nogil=True)
def helper(x):
    return x * np.float32(2)

@njit(cache={cache}, nogil=True)
def forward(a):
    for i in range(a.size):
        a[i] = helper(a[i]) + np.float32({added})
'''


def text(added: int = 1):
    return lambda cache: TEXT.format(cache=cache, added=added)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of kernels."""
    monkeypatch.setenv("SNNCTL_CACHE", str(tmp_path / "cache"))
    kernel_folder.cache_clear()
    yield tmp_path / "cache" / "kernels"
    kernel_folder.cache_clear()


def value(kernel: Kernel) -> float:
    a = np.full(3, 4, np.float32)
    kernel(a)
    return a[0]


def fresh(added: int = 1) -> float:
    """As a new process would: nothing is compiled yet."""
    return value(Kernel("Test", "forward", text(added)))


def test_it_is_compiled_once_and_says_so_once(folder, capsys):
    kernel = Kernel("Test", "forward", text())
    assert value(kernel) == value(kernel) == 9
    assert capsys.readouterr().err == "snnctl: compiling forward kernel of Test, once on this machine\n"
    assert fresh() == 9
    assert capsys.readouterr().err == ""
    assert fresh(2) == 10
    assert "compiling" in capsys.readouterr().err
    assert len(list(folder.glob("Test_*.py"))) == 2


SCRIPT = """
import sys, numpy as np
from snnctl.kernels.compiled import Kernel
a = np.full(3, 4, np.float32)
Kernel("Test", "forward", lambda cache: {text!r}.format(cache=cache, added=1))(a)
print(a[0])
"""


def process(cache, script: str = SCRIPT.format(text=TEXT), **environment) -> subprocess.Popen:
    environment = {**os.environ, "SNNCTL_CACHE": str(cache), **environment}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=pipe, stderr=pipe, text=True)


def test_another_process_takes_it_from_disk(tmp_path):
    first, second = (process(tmp_path).communicate(timeout=100) for _ in range(2))
    assert first[0] == second[0] == "9.0\n"
    assert "compiling forward kernel of Test" in first[1] and second[1] == ""


NEURON = """
import torch
from snnctl.neurons import ALIF
x = torch.rand(4, 2, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
out, _ = ALIF(learnable=["beta"], backend="cpu")(x, dt=1e-3)
out.sum().backward()
print(x.grad.sum().item())
"""


def test_a_neuron_is_taken_from_disk_whatever_the_order_of_sets(tmp_path):
    runs = [process(tmp_path, NEURON, PYTHONHASHSEED=str(seed)).communicate(timeout=100) for seed in (1, 2)]
    assert runs[0][0] == runs[1][0] != ""
    assert runs[0][1].count("compiling") == 2 and "compiling" not in runs[1][1]


def test_six_processes_at_once_compile_once(tmp_path):
    running = [process(tmp_path) for _ in range(6)]
    done = [p.communicate(timeout=200) for p in running]
    assert [out for out, _ in done] == ["9.0\n"] * 6
    assert sum(err.count("compiling") for _, err in done) == 1


def damage(file, how: str) -> None:
    data = file.read_bytes()
    file.write_bytes({
        "truncated": data[: len(data) // 2], "empty": b"", "garbage": b"\x00\xff" * 200, "zeros": bytes(len(data)),
    }[how])  # fmt: skip


@pytest.mark.parametrize("how", ["truncated", "empty", "garbage", "zeros"])
@pytest.mark.parametrize("kind", ["*.py", "__pycache__/*.nbi", "__pycache__/*.nbc", "__pycache__/*"])
def test_a_damaged_file_is_made_anew(folder, capsys, kind, how):
    assert fresh() == 9
    files = list(folder.glob(kind))
    assert files
    for file in files:
        damage(file, how)
    assert fresh() == 9
    capsys.readouterr()
    assert fresh() == 9 and capsys.readouterr().err == "", "what was made anew is kept"


def test_foreign_text_is_not_run(folder):
    assert fresh() == 9
    (file,) = folder.glob("*.py")
    file.write_text("raise SystemExit('foreign')\n")
    assert fresh() == 9 and file.read_text() == TEXT.format(cache=True, added=1)


def test_foreign_text_with_its_own_machine_code_is_not_run(folder):
    assert fresh() == 9
    (file,) = folder.glob("*.py")
    right = file.read_text()
    file.write_text(right.replace("(2)", "(7)"))  # other text of the same length, under the name of ours
    assert fresh() == 9 and file.read_text() == right


def test_an_error_of_the_kernel_itself_is_passed_on(folder):
    kernel = Kernel("Test", "forward", text())
    with pytest.raises(Exception, match=r"(?i)typing|size"):
        kernel(object())
    assert value(kernel) == 9


def test_a_folder_that_cannot_be_written_costs_a_warning_and_the_cache(folder, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # tests may run as root, to whom nothing is forbidden
    with pytest.warns(UserWarning, match="cannot be written.*SNNCTL_CACHE=FOLDER") as caught:
        assert kernel_folder() is None
        assert fresh() == 9 and fresh(2) == 10
    assert len(caught) == 1
    assert not list(folder.glob("*.py")) and not list(folder.glob("lock"))


def test_a_folder_that_cannot_be_made_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SNNCTL_CACHE", str(tmp_path / "file"))
    kernel_folder.cache_clear()
    with pytest.warns(UserWarning, match="cannot be written"):
        assert fresh() == 9
    kernel_folder.cache_clear()


def test_the_folder_of_another_user_is_not_used(folder, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.warns(UserWarning, match="another user"):
        assert kernel_folder() is None


def test_a_full_disk_does_not_stop_a_training(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compiled, "write_text", full)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert fresh() == 9


def test_the_folder_is_where_the_user_says(folder, monkeypatch, tmp_path):
    assert kernel_folder() == folder and folder.stat().st_mode & 0o077 == 0
    monkeypatch.delenv("SNNCTL_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    kernel_folder.cache_clear()
    assert kernel_folder() == tmp_path / ".cache" / "snnctl" / "kernels"
