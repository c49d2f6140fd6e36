"""Finding adapters, and those of this checkout, each where its framework is installed (make frameworks)."""

from __future__ import annotations

import sys

import pytest
import torch

from snnctl.benchmarks import peers
from snnctl.benchmarks.cases import CASES
from snnctl.benchmarks.peers import CHECKOUT, LeftOut, find, load
from snnctl.errors import UserError

FAMILIES = {case.family: case.name for case in CASES.values()}
ADAPTERS = sorted(CHECKOUT.glob("*.py"))
SLOW = "_compiled"  # torch.compile: some 15 s


@pytest.mark.parametrize("path", ADAPTERS, ids=lambda path: path.stem)
def test_the_first_line_says_how_to_get_the_framework(path):
    assert path.read_text().startswith('"""pip install ')


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("path", [path for path in ADAPTERS if SLOW not in path.stem], ids=lambda path: path.stem)
def test_an_adapter_runs_the_workload(tiny, path, family):
    try:
        module = load(path)
    except LeftOut as reason:
        pytest.skip(f"{path.stem} {reason}")
    if not hasattr(module, family):
        pytest.skip(f"{path.stem} has no {family}")
    case = tiny(FAMILIES[family])
    run = getattr(module, family)(case)
    for _ in range(2):  # nothing is left of the first pass
        out = run.forward()
        run.backward(out)
    assert torch.isfinite(out).all()
    assert out.shape in {(), (case.steps, case.batch, case.neurons), (case.batch, case.steps, case.neurons)}
    assert (out.shape == ()) == (case.task == "training")


def test_an_adapter_hides_no_framework(tmp_path):
    (tmp_path / "math.py").write_text('"""pip install nothing"""\nimport math\n\nPI = math.pi\n')
    assert load(tmp_path / "math.py").PI > 3
    assert not hasattr(sys.modules["math"], "PI")


def test_samna_is_never_imported(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "samna", raising=False)
    (tmp_path / "samna.py").write_text("raise SystemExit('samna was imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "adapter.py").write_text('"""pip install x"""\nimport samna\n')
    with pytest.raises(LeftOut, match="samna"):
        load(tmp_path / "adapter.py")


def test_a_wrong_adapter_is_named(tmp_path):
    (tmp_path / "bad.py").write_text('"""pip install x"""\nlif = 1 / 0\n')
    with pytest.raises(UserError, match=r"bad\.py: ZeroDivisionError"):
        load(tmp_path / "bad.py")


def test_names(tmp_path):
    assert find([]) == []
    with pytest.raises(UserError, match="no adapters"):
        find(["all"], tmp_path)
    for name in ("one", "two", "_hidden"):
        (tmp_path / f"{name}.py").write_text("")
    assert [peer.name for peer in find(["all"], tmp_path)] == ["one", "two"]
    assert [peer.name for peer in find(["two", "two"], tmp_path)] == ["two"]
    with pytest.raises(UserError, match="did you mean   two"):
        find(["tow"], tmp_path)


def test_an_installed_package_says_where_adapters_lie(monkeypatch, tmp_path):
    monkeypatch.setattr(peers, "CHECKOUT", tmp_path / "tests" / "bench" / "peers")
    with pytest.raises(UserError, match="--adapters FOLDER"):
        find(["snntorch"])
