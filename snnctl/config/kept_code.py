"""A run keeps the classes beside its recipe, so that it is whole; and this account knows the runs that it trained.

RUN/code/ holds the modules, RUN/code/SEAL a code over them made with this account's key. A run with an intact seal was
trained here, by somebody who trusted those modules then: eval, --resume and `snnctl.load` use them again without being
asked. A run from elsewhere has no such seal: what it brings along is never imported unless `--allow` names it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
from pathlib import Path

from snnctl import atomic
from snnctl.config import allowed
from snnctl.errors import UserError

SEAL = "SEAL"


def keep(run: Path) -> None:
    """Copy the modules that were loaded from beside the recipe, or from here by `--allow`, into a run's folder."""
    code = run / "code"
    for folder in allowed.own_folders():
        for path in _loaded_from(folder.resolve()):
            text = path.read_bytes()
            atomic.write(code / path.relative_to(folder.resolve()), lambda file, text=text: file.write(text))
    if code.is_dir() and (key := _key(make=True)):
        atomic.write_text(code / SEAL, _seal(code, key))


def trust_kept(run: Path) -> None:
    """Let `_target_` name the modules in a run's folder if it was trained here; else remember them for the refusal."""
    code = run / "code"
    if not code.is_dir():
        return
    key = _key()
    try:
        sealed = key is not None and hmac.compare_digest((code / SEAL).read_text(), _seal(code, key))
    except (OSError, ValueError):
        sealed = False
    if sealed:
        sys.dont_write_bytecode = True  # a .pyc beside them would be code that nobody sealed
        allowed.trust_folder(code.resolve(), first=True)
    else:
        allowed.distrust(code.resolve())


def _loaded_from(folder: Path) -> list[Path]:
    """The files in `folder` of modules that were imported from there, not of an environment or checkout in it."""
    found = []
    for name, module in list(sys.modules.items()):
        top = name.partition(".")[0]
        file = getattr(module, "__file__", None)
        if top in (*allowed.PACKAGES, "__main__") or not file or not file.endswith(".py"):
            continue
        path = Path(file).resolve()
        if path.is_relative_to(folder) and path.relative_to(folder).parts[0] in (top, f"{top}.py"):
            found.append(path)
    return found


def _seal(code: Path, key: bytes) -> str:
    """The code over the names and contents of all files in a folder."""
    files = sorted(p for p in code.rglob("*") if p.is_file() and p != code / SEAL)
    held = [(p.relative_to(code).as_posix(), hashlib.sha256(p.read_bytes()).hexdigest()) for p in files]
    return hmac.new(key, json.dumps(held).encode(), "sha256").hexdigest()


def _key(make: bool = False) -> bytes | None:
    """This account's key; None where there is none, or none can be kept."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    path = Path(state) / "snnctl" / "key"
    try:
        if make and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = path.with_name(f"key.{os.getpid()}")
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(os.urandom(32))
            try:
                os.link(fresh, path)  # of several processes the first one's stays
            except FileExistsError:
                pass
            fresh.unlink()
        key = path.read_bytes()
    except (OSError, UserError):
        return None
    return key if len(key) == 32 else None
