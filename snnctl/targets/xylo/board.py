"""A Xylo board, reached through SynSense's SDK in an interpreter of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from snnctl.errors import NoDevice, RunFailed, UserError
from snnctl.targets.tools import run

SCRIPT = "configure.py"
GET = "pip install 'rockpool[xylo]', and samna from SynSense, in an environment of its own"


def command(python: str | None, folder: Path) -> str:
    """What configures the board, by hand."""
    return f"{python or 'PYTHON'} {folder / SCRIPT}"


def configure(name: str, python: str | None, folder: Path, seconds: float) -> str:
    """Configure the first board found.

    Args:
        name: of the target, for messages.
        python: interpreter that has Rockpool and samna; None: none was named.
        folder: artefact, with the script.
        seconds: time limit.

    Returns:
        What was done.

    Raises:
        NoDevice: no interpreter, no SDK or no board.
        UserError: the interpreter is not there. RunFailed: the script failed, or did not end in time.
    """
    by_hand = f"by hand        {command(python, folder)}"
    if python is None:
        raise NoDevice(
            f"{name}: no board was looked for: the SDK (rockpool[xylo], samna) runs in an interpreter of its own",
            f"set            target.sdk_python=/path/to/python\nget it         {GET}\n{by_hand}",
        )
    if shutil.which(python) is None:
        raise UserError(f"{name}: target.sdk_python={python} is no program", "wanted         a Python interpreter")
    said = run([python, folder / SCRIPT], seconds).decode(errors="replace").strip().splitlines()
    try:
        status, found = (json.loads(said[-1])[key] for key in ("status", "found"))
    except (IndexError, ValueError, KeyError, TypeError):
        raise RunFailed(f"{name}: {SCRIPT} said nothing of the board", "\n".join([*said[-12:], by_hand])) from None
    if status in ("no sdk", "no board"):
        raise NoDevice(f"{name}: {status}: {found}", f"get it         {GET}\n{by_hand}")
    if status != "configured":
        raise RunFailed(f"{name}: the SDK takes the configuration as {status}", found)
    return f"configured {found}"
