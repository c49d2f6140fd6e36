"""The lock between processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from snnctl.lock import held

HOLD = """
import sys, time
from snnctl.lock import held
with held(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""
ROOT = str(Path(__file__).resolve().parents[2])


def test_one_holder_at_a_time_and_death_releases(tmp_path):
    path = tmp_path / "lock"
    environment = os.environ | {"PYTHONPATH": ROOT}
    command = [sys.executable, "-c", HOLD, path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as other:
        assert other.stdout.readline() == "held\n"
        with held(path, wait=False) as ours:
            assert not ours
        told = []
        threading.Timer(0.3, other.kill).start()
        begin = time.time()
        with held(path, waiting=lambda: told.append(1)) as ours:
            assert ours and told == [1]
        assert 0.2 < time.time() - begin < 20


def test_released_when_the_work_fails(tmp_path):
    try:
        with held(tmp_path / "lock"):
            raise KeyError
    except KeyError:
        pass
    with held(tmp_path / "lock", wait=False) as ours:
        assert ours
