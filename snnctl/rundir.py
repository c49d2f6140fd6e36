"""A run is a folder: everything that eval, resume and deploy need, and nothing that they do not.

runs/<recipe>/<date>/
    run.json             recipe, command, state, seed, versions, results in short
    config.yaml          the resolved configuration        overrides.yaml   what was given on the command line
    composed.yaml        the same with its links (${network.hidden}) kept, for eval and --resume to change keys in
    facts.json           what the data told the network    split.json       which samples were for what
    code/                the classes that lay beside the recipe, if it named any
    network.nir          the NIR file that the network was made of, if it was
    metrics.csv          one row a logged step or epoch
    checkpoints/         last.ckpt, best.ckpt
    weights.safetensors  the weights that eval uses        results.json     what eval measured
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from snnctl.atomic import write_json, write_text
from snnctl.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from omegaconf import DictConfig

ROOTS = ("runs", "multirun")

_held: set[IO[str]] = set()  # lock files of this process; a forked loader worker that outlives it must not keep them
os.register_at_fork(after_in_child=lambda: [lock.close() for lock in _held])


class RunDir:
    """One run's folder.

    Args:
        path: the folder. Follow with `create` for a new run; `RunDir.open` finds one that exists.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self._lock = None

    def create(self, **facts: Any) -> RunDir:
        """Start a new run in the folder, held by this process; returns itself.

        Args:
            facts: plain values for run.json.

        Raises:
            UserError: a run is there already.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self.acquire()
        try:
            self.refuse_second()
        except UserError:
            self.release()
            raise
        started = {"started": time.strftime("%Y-%m-%d %H:%M:%S"), "state": "running"}
        self.write({**started, "host": socket.gethostname(), "python": sys.version.split()[0], **facts})
        return self

    def refuse_second(self) -> None:
        """Raises a UserError if the folder holds a run."""
        if self.file.exists():
            raise UserError(
                f"there is a run in {self.path} already",
                f"continue it   snnctl train --resume {self.path}\nor choose     hydra.run.dir=ANOTHER_FOLDER",
            )

    def remove_if_empty(self) -> None:
        """Delete the folder, and the recipe's folder above it, if nothing is in them."""
        for folder in (self.path, self.path.parent):
            try:
                folder.rmdir()
            except OSError:
                return

    @classmethod
    def open(cls, path: Path | str) -> RunDir:
        """The run at `path`, or the newest one for `last`.

        Raises:
            UserError: no run is there; names the nearest.
        """
        if str(path) == "last":
            newest = next(iter_runs(), None)
            if newest is None:
                raise UserError("there is no run yet", "start one   snnctl train")
            return newest
        run = cls(Path(path))
        if not run.file.exists():
            known = [str(r.path) for r in iter_runs()]
            raise UserError(f"no run in {path}", did_you_mean(str(path), known) or "see   snnctl runs")
        return run

    @property
    def file(self) -> Path:
        return self.path / "run.json"

    def configuration(self) -> DictConfig:
        """The run's configuration, with its links kept so that a changed key changes what refers to it.

        Classes that the run keeps may be named from now on, if this account trained it.

        Raises:
            UserError: it is missing or damaged.
        """
        from omegaconf import OmegaConf

        from snnctl.config.kept_code import trust_kept
        from snnctl.config.kept_graph import use_kept

        trust_kept(self.path)
        path = self.path / "composed.yaml"
        try:
            cfg = OmegaConf.load(path)
            use_kept(cfg, self.path)
            return cfg
        except FileNotFoundError:
            raise UserError(f"{path} is missing", "the run's folder is not whole; train it again") from None
        except Exception as error:  # YAML and OmegaConf share no base class of errors
            raise UserError(f"{path} is damaged: {str(error).splitlines()[0]}", "train the run again") from None

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    def read(self) -> dict[str, Any]:
        """What run.json says; state `killed` where it says running and no process holds the run."""
        facts = read_json(self.file)
        if facts.get("state") == "running" and not self.held():
            facts["state"] = "killed"
        return facts

    def write(self, facts: dict[str, Any]) -> None:
        write_json(self.file, facts)

    def update(self, **facts: Any) -> None:
        """Merge `facts` into run.json; None takes one out."""
        merged = {**read_json(self.file), **facts}
        self.write({k: v for k, v in merged.items() if v is not None})

    def acquire(self) -> None:
        """Hold the run for this process; the system lets go of it when the process ends, however it ends.

        Raises:
            UserError: another process holds it.
        """
        lock = open(self.path / ".lock", "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise UserError(
                f"another process is writing the run in {self.path}",
                "wait for it, or choose   hydra.run.dir=ANOTHER_FOLDER",
            ) from None
        self._lock = lock
        _held.add(lock)

    def release(self) -> None:
        if self._lock is not None:
            _held.discard(self._lock)
            self._lock.close()
            self._lock = None

    def held(self) -> bool:
        """Whether a live process holds the run."""
        if self._lock is not None:
            return True
        try:
            with open(self.path / ".lock") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def remove(self) -> None:
        """Delete the folder.

        Raises:
            UserError: a process is writing it.
        """
        if self.held():
            raise UserError(f"the run in {self.path} is still running", "stop it first (Ctrl-C)")
        shutil.rmtree(self.path)

    def best_checkpoint(self) -> Path:
        """best.ckpt, or last.ckpt where nothing was validated.

        Raises:
            UserError: the run has no finished checkpoint.
        """
        for name in ("best.ckpt", "last.ckpt"):
            if (self.checkpoints / name).exists():
                return self.checkpoints / name
        raise UserError(
            f"the run in {self.path} has no finished checkpoint yet", f"train it on   snnctl train --resume {self.path}"
        )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file of the run.

    Raises:
        UserError: it is missing or damaged.
    """
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path} is missing", "is this the folder of a run?   snnctl runs") from None
    except (ValueError, UnicodeDecodeError):
        raise UserError(f"{path} is damaged: not JSON", "the run cannot be used; train it again") from None


def iter_runs(roots: tuple[str, ...] | list[Path] = ROOTS) -> Iterator[RunDir]:
    """Every run below `roots`, newest first."""
    found = []
    for root in roots:
        for folder, subfolders, files in os.walk(root):
            if "run.json" in files:
                subfolders.clear()
                found.append(Path(folder))
    found.sort(key=lambda folder: (folder / "run.json").stat().st_ctime, reverse=True)
    found.sort(key=lambda folder: _started(folder), reverse=True)
    return (RunDir(folder) for folder in found)


def _started(folder: Path) -> str:
    try:
        return str(read_json(folder / "run.json").get("started", ""))
    except UserError:
        return ""


def write_config(run: RunDir, composed: str, resolved: str, overrides: list[str]) -> None:
    """Keep the configuration, with links and resolved, and the overrides beside the run."""
    write_text(run.path / "composed.yaml", composed)
    write_text(run.path / "config.yaml", resolved)
    write_text(
        run.path / "overrides.yaml", "".join(f"- {json.dumps(o, ensure_ascii=False)}\n" for o in overrides) or "[]\n"
    )


def locate(reference: str | Path) -> tuple[RunDir, Path | None]:
    """A run, and the checkpoint in it that was named, if one was.

    Args:
        reference: a run's folder, `last`, or a checkpoint (.ckpt) that lies in a run's folder.

    Raises:
        UserError: nothing is there, or the checkpoint belongs to no run.
    """
    path = Path(reference)
    if path.suffix != ".ckpt":
        return RunDir.open(path), None
    if not path.exists():
        raise UserError(f"no checkpoint at {path}", "see   snnctl runs")
    for folder in path.resolve().parents[:2]:
        if (folder / "run.json").exists():
            return RunDir.open(folder), path
    raise UserError(f"{path} lies in no run's folder", "its configuration is unknown; give the run   snnctl eval RUN")
