"""Surrogates as pictures, in characters and in files."""

from __future__ import annotations

import pytest

from snnctl.errors import UserError
from snnctl.report.surrogate_plot import curve, drawing, picture
from snnctl.surrogates import ATan, Gaussian, Tanh, Triangle, TwoSlopes
from tests.surrogates.presets import NAMES, preset


def test_a_triangle_in_stars():
    assert drawing(Triangle(scale=2.0), columns=21, rows=5, braille=False).splitlines() == [
        "  ds/dx",
        "2 |         ***",
        "  |      **** ****",
        "  |   ****       ****",
        "  | ***             ***",
        "0 |**                 **",
        "   -1        0         1   x = v - threshold",
    ]  # fmt: skip


def test_opposite_signs_have_a_zero_between():
    lines = drawing(TwoSlopes(below=1.0, above=-1.0), columns=20, rows=5, braille=False).splitlines()
    assert [line[:2].strip() for line in lines[1:-1]] == ["1", "", "0", "", "-1"]
    assert (lines[1].count("*"), lines[5].count("*")) == (10, 11) and lines[5].endswith("*")


@pytest.mark.parametrize("braille", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_each_fits_the_terminal(name, braille):
    lines = drawing(preset(name), braille=braille).splitlines()
    assert len(lines) == 11 and max(map(len, lines)) <= 100
    line = set("".join(part.partition("|")[2] for part in lines[1:-1])) - {" ", "\u2800"}
    assert line and (line == {"*"} or (min(line) > "\u2800" and max(line) <= "\u28ff"))


def test_the_axis_is_as_wide_as_the_gradient():
    assert [curve(s, 3)[0][-1] for s in (Tanh(100.0), Gaussian(0.5), ATan(), TwoSlopes())] == [0.05, 2.0, 2.0, 3.0]


@pytest.mark.parametrize("suffix, start", [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_picture_in_a_file(tmp_path, suffix, start):
    path = tmp_path / "new" / f"atan.{suffix}"
    picture(ATan(), path, "arctangent")
    assert path.read_bytes().startswith(start) and path.stat().st_size > 5000
    assert list(path.parent.iterdir()) == [path]


def test_another_suffix_is_told(tmp_path):
    with pytest.raises(UserError, match=r"cannot draw atan\.jpg") as error:
        picture(ATan(), tmp_path / "atan.jpg", "")
    assert ".png" in error.value.hint
