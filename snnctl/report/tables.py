"""Tables of text: drawn on a terminal, aligned columns elsewhere, CSV and Markdown in files."""

from __future__ import annotations

import csv
import io
import os
import shutil
import sys
from collections.abc import Sequence
from typing import Any

Rows = Sequence[Sequence[Any]]


def show(columns: Sequence[str], rows: Rows, title: str = "", right: Sequence[int] = ()) -> None:
    """Print a table: with rules on a terminal that is wide enough, else in plain aligned columns.

    Args:
        columns: heads.
        rows: cells; shown with `cell`.
        title: a line above.
        right: numbers of the columns set to the right.
    """
    text = plain(columns, rows, right)
    wide = max(map(len, text.splitlines())) + 2 * len(columns) > shutil.get_terminal_size().columns
    if wide or "NO_COLOR" in os.environ or not sys.stdout.isatty():  # a folded path cannot be copied
        print(f"{title}\n{text}" if title else text)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", header_style="bold")
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row))
    Console().print(table)


def plain(columns: Sequence[str], rows: Rows, right: Sequence[int] = ()) -> str:
    """Columns two spaces apart, one row a line."""
    text = [list(columns), *([cell(value) for value in row] for row in rows)]
    width = [max(len(row[i]) for row in text) for i in range(len(columns))]
    lines = []
    for row in text:
        cells = [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, width, strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def to_csv(columns: Sequence[str], rows: Rows) -> str:
    """Comma-separated, numbers in full."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([["" if value is None else value for value in row] for row in rows])
    return text.getvalue()


def to_markdown(columns: Sequence[str], rows: Rows) -> str:
    """A Markdown table; `|` in a cell is escaped."""
    lines = [[str(c) for c in columns], ["---"] * len(columns), *([cell(value) for value in row] for row in rows)]
    return "".join("| " + " | ".join(c.replace("|", "\\|") for c in line) + " |\n" for line in lines)


def cell(value: Any) -> str:
    """A value for reading: four significant digits, thousands set apart, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
