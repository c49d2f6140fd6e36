"""The real command, killed for real: SIGKILL at random moments, Ctrl-C, two processes, sweeps."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from snnctl.callbacks.checkpoint_io import load_checkpoint
from tests.runs import SMALL, assert_same_run, snnctl

pytestmark = pytest.mark.slow
EAGER = [*SMALL, "callbacks.checkpoint.every_minutes=0.003"]
DDP = ["trainer.strategy=ddp", "trainer.devices=2", "trainer.accelerator=cpu"]


@pytest.fixture
def here(tmp_path):
    (tmp_path / "small.yaml").write_text("# small\ndefaults:\n  - train\n  - _self_\n")
    return tmp_path


def start(*args: str, cwd: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "snnctl", *args],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for_rows(folder: Path, rows: int, process: subprocess.Popen) -> None:
    """Until metrics.csv has that many rows."""
    path = folder / "metrics.csv"
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if path.exists() and path.read_text().count("\n") > rows:
            return
        time.sleep(0.01)


def kill(process: subprocess.Popen) -> None:
    """SIGKILL to the whole process group, as when a machine goes down."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize(
    "more", [[], ["dataset.num_workers=2", "trainer.accumulate_grad_batches=3", "trainer.num_sanity_val_steps=2"], DDP]
)
def test_killed_at_random_and_resumed(here, more):
    whole, killed = here / "whole", here / "killed"
    args = [*EAGER, *more]
    snnctl("train", "./small.yaml", *args, f"hydra.run.dir={whole}", cwd=here)
    draw = random.Random(len(more))
    process = start("train", "./small.yaml", *args, f"hydra.run.dir={killed}", cwd=here)
    for rows in sorted(draw.sample(range(1, 7), 2)):
        wait_for_rows(killed, rows, process)
        time.sleep(draw.uniform(0, 0.1))
        kill(process)
        process = start("train", "--resume", str(killed), cwd=here)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    assert_same_run(whole, killed)
    assert json.loads((killed / "run.json").read_text())["state"] == "done"


def test_killed_before_the_first_checkpoint_starts_anew(here):
    whole, killed = here / "whole", here / "killed"
    args = [*SMALL, "callbacks.checkpoint.every_minutes=60"]
    snnctl("train", "./small.yaml", *args, f"hydra.run.dir={whole}", cwd=here)
    process = start("train", "./small.yaml", *args, f"hydra.run.dir={killed}", cwd=here)
    wait_for_rows(killed, 2, process)
    kill(process)
    assert not (killed / "checkpoints" / "last.ckpt").exists()
    snnctl("train", "--resume", str(killed), cwd=here)
    assert_same_run(whole, killed)


@pytest.mark.parametrize(("number", "more"), [(signal.SIGINT, []), (signal.SIGTERM, []), (signal.SIGINT, DDP)])
def test_a_signal_writes_a_checkpoint_and_names_the_resume_command(here, number, more):
    run = here / "run"
    process = start("train", "./small.yaml", *SMALL, "trainer.max_epochs=400", *more, f"hydra.run.dir={run}", cwd=here)
    wait_for_rows(run, 8, process)
    os.killpg(process.pid, number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number, out
    assert f"snnctl train --resume {run}" in out
    assert "Traceback" not in out
    assert (run / "checkpoints" / "last.ckpt").exists()
    assert json.loads((run / "run.json").read_text())["state"] == "stopped"
    children = subprocess.run(["pgrep", "-g", str(process.pid)], capture_output=True, text=True).stdout
    assert children == ""


def test_two_processes_agree_alone_and_in_an_optuna_sweep(here):
    one = [o for o in SMALL if "optimizer.lr" not in o] + [*DDP, "trainer.max_epochs=1"]
    snnctl("train", "./small.yaml", *one, f"hydra.run.dir={here / 'one'}", cwd=here)
    snnctl(
        "train", "./small.yaml", "-m", *one, "hydra/sweeper=optuna", "hydra.sweeper.n_trials=2",
        "optimizer.lr=interval(0.001,0.1)", f"hydra.sweep.dir={here / 'many'}", cwd=here,
    )  # fmt: skip
    weights, rates = set(), set()
    for run in (here / "one", here / "many" / "0", here / "many" / "1"):
        ranks = json.loads((run / "ranks.json").read_text())
        assert [r["rank"] for r in ranks] == [0, 1]
        assert ranks[0]["overrides"] == ranks[1]["overrides"]
        assert ranks[0]["weights"] == ranks[1]["weights"]
        weights.add(ranks[0]["weights"])
        rates.add(next((o for o in ranks[1]["overrides"] if o.startswith("optimizer.lr")), "default"))
    assert len(weights) == len(rates) == 3


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_ends_the_run_and_what_was_written_before_stays_whole(here, tiny_disk):
    run = tiny_disk / "run"
    done = snnctl("train", "./small.yaml", *EAGER, "network.hidden=[32]", f"hydra.run.dir={run}", cwd=here, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "disk is full" in done.stderr and "Traceback" not in done.stderr
    for path in run.rglob("*"):  # no half-written file under a final name
        if path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".ckpt":
            load_checkpoint(path)
        assert not path.name.endswith(".part")
    assert json.loads((run / "run.json").read_text())["recipe"] == "small"
