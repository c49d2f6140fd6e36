"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from tests.runs import SMALL, snnctl

README = Path(__file__).resolve().parents[1] / "README.md"


def block(start: str) -> str:
    """The indented block of the README that begins with a line."""
    text = README.read_text(encoding="utf-8")
    found = re.search(rf"^    {re.escape(start)}.*?(?=^    # mine\.yaml|^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    return textwrap.dedent(found.group(0))


def test_a_neuron_of_ones_own(tmp_path):
    (tmp_path / "mymodels.py").write_text(block("# mymodels.py"))
    (tmp_path / "mine.yaml").write_text(block("# mine.yaml"))
    small = [word for word in SMALL if not word.startswith("network=")]
    done = snnctl("train", "./mine.yaml", *small, cwd=tmp_path)
    assert "test accuracy" in done.stdout
    assert "Saturating" in snnctl("check", "./mine.yaml", cwd=tmp_path).stdout
