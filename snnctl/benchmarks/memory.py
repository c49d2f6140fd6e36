"""Peak memory of one contestant, in a process of its own that runs nothing else."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from snnctl.benchmarks.cases import Case
from snnctl.errors import RunFailed, UserError

# Freed arrays go back at once, so that the peak is of arrays in use.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def peak(case: Case, contestant: str, threads: int, adapter: Path | None = None) -> float:
    """Peak resident memory of the first forward and backward pass above the built model, MB.

    The contestant has run a tiny case before, so that kernels are compiled and libraries are loaded.

    Args:
        case: the workload.
        contestant: a name of `contest.OWN`, or of the adapter.
        threads: of torch.
        adapter: file of a peer.

    Raises:
        UserError: the system does not tell a process's peak; only Linux does.
        RunFailed: the contestant failed.
    """
    if not os.path.exists("/proc/self/clear_refs"):
        raise UserError("peak memory can be measured on Linux only", "leave out    --memory")
    job = {"case": asdict(case), "contestant": contestant, "threads": threads, "adapter": adapter and str(adapter)}
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "snnctl.benchmarks.memory"],
        input=json.dumps(job),
        env={**os.environ, **MALLOC, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    try:
        return float(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise RunFailed(f"peak memory not measured: {last}") from None


def _child() -> None:
    import torch

    from snnctl.benchmarks.contest import OWN
    from snnctl.benchmarks.peers import Peer

    job = json.load(sys.stdin)
    fields = {key: tuple(value) if isinstance(value, list) else value for key, value in job["case"].items()}
    case, name = Case(**fields), job["contestant"]
    torch.set_num_threads(job["threads"])

    def on(case: Case) -> Callable:
        return Peer(name, Path(job["adapter"])).on(case) if job["adapter"] else lambda: OWN[name](case)

    small = on(replace(case, steps=2, batch=1))()
    small.backward(small.forward())
    del small
    forward, backward, _ = on(case)()
    gc.collect()
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    backward(forward())
    print((_status("VmHWM") - before) / 1024)


def _status(field: str) -> int:
    """kB"""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])


if __name__ == "__main__":
    _child()
