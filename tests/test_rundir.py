"""A run's folder: made once, held by one process, found again."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from snnctl.errors import UserError
from snnctl.rundir import RunDir, iter_runs, locate


def test_create_read_update_release(tmp_path):
    run = RunDir(tmp_path / "a").create(recipe="digits", seed=3)
    assert run.read()["state"] == "running" and run.read()["recipe"] == "digits"
    run.update(state="done", metrics={"val/acc": 0.5})
    run.release()
    assert RunDir.open(tmp_path / "a").read()["metrics"] == {"val/acc": 0.5}


def test_two_runs_in_one_folder_are_refused(tmp_path):
    first = RunDir(tmp_path / "a").create()
    with pytest.raises(UserError, match="another process"):
        RunDir(tmp_path / "a").create()
    first.release()
    with pytest.raises(UserError, match="there is a run in"):
        RunDir(tmp_path / "a").create()


def test_a_run_whose_process_died_is_killed_not_running(tmp_path):
    code = (
        "import os, sys; from snnctl.rundir import RunDir; run = RunDir(sys.argv[1]).create(); "
        "print(run.read()['state'], flush=True); os.kill(os.getpid(), 9)"
    )
    died = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], capture_output=True, text=True)
    assert died.stdout == "running\n" and died.returncode == -9
    run = RunDir.open(tmp_path / "a")
    assert run.read()["state"] == "killed"
    run.acquire()  # and can be gone on with


def test_a_run_that_is_written_is_not_removed(tmp_path):
    run = RunDir(tmp_path / "a").create()
    with pytest.raises(UserError, match="still running"):
        RunDir(tmp_path / "a").remove()
    run.release()
    RunDir(tmp_path / "a").remove()
    assert not (tmp_path / "a").exists()


def test_runs_are_listed_newest_first_and_found_by_last(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for i, name in enumerate(["runs/x/1", "runs/y/2", "multirun/z/0"]):
        run = RunDir(tmp_path / name).create()
        run.update(started=f"2026-01-0{i + 1} 00:00:00")
        run.release()
    assert [str(r.path) for r in iter_runs()] == ["multirun/z/0", "runs/y/2", "runs/x/1"]
    assert str(RunDir.open("last").path) == "multirun/z/0"
    with pytest.raises(UserError) as error:
        RunDir.open("runs/x/2")
    assert "runs/x/1" in error.value.hint


def test_a_checkpoint_is_located_with_its_run(tmp_path):
    run = RunDir(tmp_path / "a").create()
    run.checkpoints.mkdir()
    (run.checkpoints / "last.ckpt").write_bytes(b"x")
    found, weights = locate(run.checkpoints / "last.ckpt")
    assert found.path == (tmp_path / "a").resolve() and weights == run.checkpoints / "last.ckpt"
    (tmp_path / "stray.ckpt").write_bytes(b"x")
    with pytest.raises(UserError, match="lies in no run's folder"):
        locate(tmp_path / "stray.ckpt")
    with pytest.raises(UserError, match="no checkpoint at"):
        locate(tmp_path / "none.ckpt")


@pytest.mark.parametrize("content", ["", "{", "[1"])
def test_a_damaged_record_is_named(tmp_path, content):
    run = RunDir(tmp_path / "a").create()
    run.release()
    run.file.write_text(content)
    with pytest.raises(UserError, match=r"run\.json is damaged"):
        RunDir.open(tmp_path / "a").read()


def test_records_are_json(tmp_path):
    run = RunDir(tmp_path / "a").create(recipe="é")
    assert json.loads(run.file.read_text())["recipe"] == "é"
