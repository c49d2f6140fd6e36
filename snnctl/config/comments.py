"""What the comments in a YAML file say: its first line, and the meaning of each key. Reads text; no YAML parser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_KEY = re.compile(r"^(?P<indent> *)(?P<key>[\w./@+-]+|'[^']*'|\"[^\"]*\") *:(?= |$)(?P<rest>.*)$")
_FLOW = re.compile(r"""([{}])|(?:"[^"]*"|'[^']*'|([\w-]+)(?=\s*:\s))""")


@dataclass(frozen=True)
class Entry:
    """A key of a YAML file.

    Args:
        path: dotted, from the file's root.
        value: its value as text; empty where keys follow below.
        meaning: its comment.
        line: counted from 0.
    """

    path: str
    value: str
    meaning: str
    line: int


def headline(path: Path) -> str:
    """The first line's comment: what the file is."""
    try:
        with open(path, encoding="utf-8") as file:
            first = file.readline().strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return first.lstrip("# ").strip() if first.startswith("#") else ""


def header(path: Path) -> list[str]:
    """The comment lines before the first key, without `#`."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("#").removeprefix(" ").rstrip())
    return lines


def entries(path: Path) -> list[Entry]:
    """Every key of a file in order, without the defaults list; keys inside lists are left out."""
    found: list[Entry] = []
    above: list[tuple[int, str]] = []  # (indent, key) of the mappings that the current line is in
    in_list = -1  # indent of the list that the current line is in
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        text = line.lstrip(" ")
        indent = len(line) - len(text)
        if not text or text.startswith("#"):
            continue
        if text.startswith("- "):
            in_list = indent
            continue
        if 0 <= in_list < indent:
            continue
        in_list = -1
        match = _KEY.match(line)
        if match is None:
            continue
        while above and above[-1][0] >= indent:
            above.pop()
        key = match["key"].strip("'\"")
        dotted = ".".join([name for _, name in above] + [key])
        above.append((indent, key))
        value, meaning = split_comment(match["rest"])
        if dotted != "defaults":
            found.append(Entry(dotted, value, meaning, number))
    return found


def meanings(path: Path) -> dict[str, str]:
    """Dotted key -> comment, where there is one."""
    return {entry.path: entry.meaning for entry in entries(path) if entry.meaning}


def remarks(path: Path) -> dict[str, str]:
    """`meanings` of a recipe: what stands behind `neuron: {tau_mem: 0.1}` is about the last value in the braces."""
    return {_last(entry): entry.meaning for entry in entries(path) if entry.meaning}


def _last(entry: Entry) -> str:
    """`neuron.tau_mem` for `neuron: {tau_mem: 0.1}`; the key itself where its value is no such mapping."""
    keys: list[str] = []  # of the mappings that are open at the end of the last value
    open_now: list[str] = []
    for brace, key in _FLOW.findall(entry.value) if entry.value.startswith("{") else ():
        if key:
            open_now[-1] = key
            keys = list(open_now)
        elif brace == "{":
            open_now.append("")
        elif open_now:
            open_now.pop()
    return ".".join([entry.path, *keys])


def split_comment(text: str) -> tuple[str, str]:
    """The value and the comment of `value  # comment`; a `#` inside quotes is no comment."""
    quote = ""
    for i, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "#" and (i == 0 or text[i - 1] in " \t"):
            return text[:i].strip(), text[i + 1 :].strip()
    return text.strip(), ""
