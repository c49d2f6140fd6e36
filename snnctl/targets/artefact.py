"""The folder that deployment leaves: whole or absent, with a manifest that tells when a file was edited."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from snnctl import __version__
from snnctl.atomic import write_json
from snnctl.errors import UserError

MANIFEST = "manifest.json"


def build(folder: Path, fill: Callable[[Path], None], facts: dict[str, Any]) -> Path:
    """Make an artefact folder in one step: under its final name it holds either what it held before or all of it.

    Args:
        folder: the final name.
        fill: writes the files into the empty folder that it gets.
        facts: plain values for the manifest, beside the hashes of the files.

    Raises:
        UserError: the disk is full, or the folder cannot be written.
    """
    part = folder.parent / f".{folder.name}.{os.getpid()}.part"
    old = folder.parent / f".{folder.name}.{os.getpid()}.old"
    try:
        part.mkdir(parents=True)
        fill(part)
        files = {str(p.relative_to(part)): digest(p) for p in sorted(part.rglob("*")) if p.is_file()}
        write_json(part / MANIFEST, {"snnctl": __version__, **facts, "files": files})
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
    except OSError as error:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise UserError(
            f"{folder} could not be written: {error.strerror}", "nothing was left under that name"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return folder


def opened(folder: Path) -> dict[str, Any]:
    """The manifest of an artefact all of whose files are as they were built.

    Raises:
        UserError: no artefact is there, its manifest is damaged, or a file was edited, removed or added.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        files = dict(manifest["files"])
    except FileNotFoundError:
        raise UserError(f"no artefact in {folder}", "build it   snnctl deploy RUN target=...") from None
    except (ValueError, KeyError, TypeError, UnicodeDecodeError):
        raise UserError(f"{folder / MANIFEST} is damaged", "build it again   snnctl deploy RUN target=...") from None
    there = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST}
    for name in sorted(there | set(files)):
        if name not in files or name not in there or digest(folder / name) != files[name]:
            what = "was added" if name not in files else "is missing" if name not in there else "was edited"
            raise UserError(
                f"{folder / name} {what} after it was built", "build it again   snnctl deploy RUN target=..."
            )
    return manifest


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
