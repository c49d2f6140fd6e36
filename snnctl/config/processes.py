"""Starting this program again as a process of its own, and ending with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

GRACE = 120  # seconds a stopped job has to write its checkpoint


def interpreter() -> list[str]:
    """The command that starts this program again, seeing the same modules."""
    safe = [] if {"", os.getcwd()} & set(sys.path) else ["-P"]  # a console script has no current folder on its path
    return [sys.executable, *safe, "-m", "snnctl"]


def run(command: list[str]) -> int:
    """Run a job in a process group of its own and wait for it.

    Ctrl-C is passed on to the whole group once, and the job may finish its checkpoint.
    """
    job = subprocess.Popen(command, env={**os.environ, "SNNCTL_PARENT": str(os.getpid())}, process_group=0)
    try:
        return job.wait()
    except BaseException:
        try:
            os.killpg(job.pid, signal.SIGINT)
            job.wait(GRACE)
        except (subprocess.TimeoutExpired, ProcessLookupError, KeyboardInterrupt):
            job.kill()
            job.wait()
        raise


def die_with_parent() -> None:
    """In a job: be interrupted (checkpoint, then exit) when the sweep's process dies, however it dies. Linux only."""
    parent = os.environ.pop("SNNCTL_PARENT", None)
    if parent is None:
        return
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # inherited from a script's background command
        signal.signal(signal.SIGINT, signal.default_int_handler)
    end_with(int(parent), signal.SIGINT)


def end_with(parent: int, number: signal.Signals) -> None:
    """Have the system send this process a signal when the thread that started it ends. Linux only, else nothing.

    Args:
        parent: id of the process that started this one; where it has gone already, the signal comes at once.
        number: the signal.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    ctypes.CDLL(None).prctl(1, number)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os.kill(os.getpid(), number)
