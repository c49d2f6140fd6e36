"""The text header of Prophesee files: lines that begin with %."""

from __future__ import annotations

import re
from pathlib import Path

from snnctl.datasets.formats.magic import refuse
from snnctl.errors import UserError

LONGEST = 1 << 16  # bytes; a header is some hundred


def split(path: Path, expected: str) -> tuple[dict[str, str], bytes]:
    """Split a file into the fields of its header and the bytes behind it.

    Args:
        path: the file.
        expected: what it should be, for the message.

    Returns:
        fields, names in lower case, values as text ("evt": "3.0"); and the data.

    Raises:
        UserError: the file does not begin with such a header, or the header does not end.
    """
    raw = path.read_bytes()
    if not raw.startswith(b"%"):
        raise refuse(path, expected, raw[:16])
    fields: dict[str, str] = {}
    at = 0
    while raw[at : at + 1] == b"%":
        end = raw.find(b"\n", at, at + LONGEST)
        if end < 0:
            raise UserError(
                f"{path}: truncated inside its header", "get the file again; dataset.on_error=skip leaves it out"
            )
        name, _, value = raw[at + 1 : end].decode("latin-1").strip().partition(" ")
        fields[name.lower()] = value.strip()
        at = end + 1
        if name.lower() == "end":  # says that data follows, whose first byte may be a "%"
            break
    return fields, raw[at:]


def sensor(fields: dict[str, str]) -> tuple[int, int] | None:
    """(height, width) where the header has it: `geometry 640x480`, `format EVT3;height=720;width=1280`, `Width 304`."""
    if match := re.fullmatch(r"(\d+)x(\d+)", fields.get("geometry", "")):
        return int(match[2]), int(match[1])
    told = dict(re.findall(r"(width|height)=(\d+)", fields.get("format", "")))
    told = {**{k: fields[k] for k in ("width", "height") if fields.get(k, "").isdecimal()}, **told}
    return (int(told["height"]), int(told["width"])) if len(told) == 2 else None
