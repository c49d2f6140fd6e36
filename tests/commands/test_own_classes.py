"""A run whose recipe named classes beside it keeps them, and uses them where this account has trained it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

import snnctl
from snnctl.cli import main
from tests.runs import SMALL
from tests.runs import snnctl as command

NEURON = "from snnctl.neurons import LIF\n\n\nclass Own(LIF):\n    pass\n"
RECIPE = "# own\ndefaults: [train, _self_]\nneuron: {_target_: ownneurons.Own}\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(folder of recipe and class, the run, its account's folder of state)."""
    base = tmp_path_factory.mktemp("own")
    (base / "project").mkdir()
    (base / "project" / "ownneurons.py").write_text(NEURON)
    (base / "project" / "unused.py").write_text("raise RuntimeError\n")
    (base / "project" / "own.yaml").write_text(RECIPE)
    words = [*SMALL, "trainer.max_epochs=1", "hydra.run.dir=run"]
    command("train", "project/own.yaml", *words, cwd=base, XDG_STATE_HOME=str(base / "state"))
    return base / "project", base / "run", base / "state"


def test_a_run_trained_here_needs_nothing_else(trained, tmp_path):
    _, run, state = trained
    moved = shutil.copytree(run, tmp_path / "moved")
    assert sorted(p.name for p in (moved / "code").iterdir()) == ["SEAL", "ownneurons.py"]
    (tmp_path / "ownneurons.py").write_text("raise RuntimeError('edited since')\n")
    (tmp_path / "away").mkdir()
    for words in ("eval ../moved", "train --resume ../moved trainer.max_epochs=2", "check ../moved"):
        command(*words.split(), cwd=tmp_path / "away", XDG_STATE_HOME=str(state))
    assert sorted(p.name for p in (moved / "code").iterdir()) == ["SEAL", "ownneurons.py"]


def test_from_python_where_the_class_is_imported_already(trained, monkeypatch):
    project, run, state = trained
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    monkeypatch.setattr(sys, "path", [str(project), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    import ownneurons

    try:
        layers = snnctl.load(run).temporal_layers().values()
        assert any(isinstance(layer, ownneurons.Own) for layer in layers)
    finally:
        del sys.modules["ownneurons"]
        from snnctl.config.allowed import forget

        forget()


@pytest.mark.parametrize("change", ["another account", "an added file", "another class", "a compiled file", "no seal"])
def test_code_from_elsewhere_is_not_imported(trained, tmp_path, monkeypatch, capsys, change):
    _, run, state = trained
    run = shutil.copytree(run, tmp_path / "run")
    evil = f"import pathlib\npathlib.Path({str(tmp_path / 'PWNED')!r}).touch()\n"
    code = run / "code"
    if change == "another account":
        state = tmp_path / "other"
        (state / "snnctl").mkdir(parents=True)
        (state / "snnctl" / "key").write_bytes(b"x" * 32)
    elif change == "another class":
        (code / "ownneurons.py").write_text(evil + NEURON)
    elif change == "no seal":
        (code / "SEAL").unlink()
    else:
        added = code / ("more.py" if change == "an added file" else "__pycache__/ownneurons.cpython-311.pyc")
        added.parent.mkdir(exist_ok=True)
        added.write_text(evil)
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    before = list(sys.path)
    assert main(["eval", str(run)]) == 2
    err = capsys.readouterr().err
    assert f"read it: {code}" in err and "--allow ownneurons" in err
    assert "ownneurons" not in sys.modules and not (tmp_path / "PWNED").exists() and sys.path == before


def test_allowing_the_code_of_a_run_from_elsewhere(trained, tmp_path):
    _, run, _ = trained
    command("eval", str(run), "--allow", "ownneurons", cwd=tmp_path, XDG_STATE_HOME=str(tmp_path / "none"))
    assert not Path(tmp_path / "none").exists()


def test_a_run_without_classes_of_its_own_keeps_none(tmp_path):
    (tmp_path / "ownneurons.py").write_text(NEURON)
    (tmp_path / "plain.yaml").write_text("# plain\ndefaults: [train, _self_]\n")
    words = [*SMALL, "trainer.max_epochs=1", "eval_after=false", "hydra.run.dir=run"]
    command("train", "./plain.yaml", *words, cwd=tmp_path, XDG_STATE_HOME=str(tmp_path / "state"))
    assert not (tmp_path / "run" / "code").exists() and not (tmp_path / "state").exists()
