"""What a file is by its first bytes, for messages about files that are not what their name says."""

from __future__ import annotations

from pathlib import Path

from snnctl.errors import UserError

KNOWN = (
    (b"#!AER-DAT4", "an AEDAT4 file"),
    (b"#!AER-DAT", "an AEDAT file of an older version"),
    (b"%", "a Prophesee file (.raw or .dat)"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "a .npy array"),
    (b"PK\x03\x04", "a zip archive (.npz is one)"),
    (b"\x1f\x8b", "a gzip file"),
    (b"RIFF", "a RIFF file (.wav is one)"),
    (b"MATLAB 5", "a MATLAB file"),
    (b"\x7fELF", "a program"),
    (b"<!DOC", "a web page"),
    (b"<html", "a web page"),
)


def seems(head: bytes) -> str:
    """The name of the format that `head` begins, "" for none that is known."""
    return next((name for magic, name in KNOWN if head.startswith(magic)), "")


def refuse(path: Path, expected: str, head: bytes) -> UserError:
    """The error for a file that is not what it should be.

    Args:
        path: the file.
        expected: what it should be, "an HDF5 file".
        head: its first bytes.
    """
    found = seems(head)
    what = f"it begins as {found}" if found else f"its first bytes are {head[:8].hex(' ') or 'missing'}"
    return UserError(
        f"{path}: not {expected}: {what}", "check the file, or its ending; dataset.on_error=skip leaves it out"
    )
