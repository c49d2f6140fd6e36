"""Files that are whole or absent: written under a temporary name, synced, then renamed."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from snnctl.errors import UserError


def write(path: Path, fill: Callable[[BinaryIO], None]) -> None:
    """Write a file in one step: `path` holds either what it held before or all that `fill` wrote.

    Args:
        path: the final name; its folder is made.
        fill: gets the open binary file.

    Raises:
        UserError: the disk is full or the folder cannot be written; `path` is as it was.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        name = path.parent / f".{path.name}.{os.getpid()}.part"
        with open(name, "wb") as file:
            temporary = str(name)
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        _remove(temporary)
        raise _explain(error, path) from error
    except RuntimeError as error:  # torch.save reports a full disk as a failed zip write
        _remove(temporary)
        if isinstance(error.__context__, OSError):
            raise _explain(error.__context__, path) from error
        if "PytorchStreamWriter" in str(error) or "unexpected pos" in str(error):
            raise _explain(OSError(errno.ENOSPC, "no space left on device"), path) from error
        raise
    except BaseException:
        _remove(temporary)
        raise


def write_text(path: Path, text: str) -> None:
    """`write` for text, as UTF-8."""
    write(path, lambda file: file.write(text.encode()))


def append_text(path: Path, text: str) -> None:
    """Add `text` at the end of a file, in one call of the system; a full disk is a UserError as in `write`."""
    try:
        with open(path, "ab", buffering=0) as file:
            file.write(text.encode())
    except OSError as error:
        raise _explain(error, Path(path)) from error


def write_json(path: Path, value: Any) -> None:
    """`write` for a JSON value, indented for reading."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def _remove(temporary: str | None) -> None:
    if temporary and os.path.exists(temporary):
        os.unlink(temporary)


def _explain(error: OSError, path: Path) -> UserError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return UserError(
            f"the disk is full: {path} could not be written",
            "what was written before is whole; free some space, then   snnctl train --resume RUN",
        )
    return UserError(f"{path} could not be written: {error.strerror}", "choose another folder: hydra.run.dir=FOLDER")
