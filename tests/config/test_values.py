from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Optional, Union

import pytest

from snnctl.config.values import choices, fits, fits_like, wants, wants_like, without_unit


class Colour(Enum):
    RED = 1


class Thing:
    pass


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (3, int),
        (3, float),
        (2.5, float),
        ("a", str),
        (5, str),
        (True, bool),
        (None, Optional[int]),  # noqa: UP045
        (None, int | None),
        ([1, 2], Sequence[int]),
        ([1, 2], tuple[int, int]),
        ([1, 2, 3], tuple[int, ...]),
        ([], list),
        ({"a": 1}, dict[str, int]),
        ({"a": 1}, Mapping),
        ("exact", Literal["exact", "euler"]),
        (0.5, Union[float, Literal["1-decay"]]),  # noqa: UP007
        ("RED", Colour),
        ("a/b", Path),
        ({"_target_": "x.Y"}, Thing),
        ({"_target_": "x.Y"}, int),
        ([{"_target_": "x.Y"}], Sequence[Callable]),
        ("anything", Any),
        ("anything", "Unknown"),
        ("anything", object),
    ],
)
def test_fits(value, annotation):
    assert fits(value, annotation)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        ("ten", int),
        (1.5, int),
        (True, int),
        ("20ms", float),
        (None, int),
        (1, bool),
        ([1, "a"], list[int]),
        ([1, 2, 3], tuple[int, int]),
        (3, list[int]),
        ({"a": "b"}, dict[str, int]),
        ("maybe", Literal["exact", "euler"]),
        ("fast", Union[float, Literal["1-decay"]]),  # noqa: UP007
        (3, Thing),
        (3, Colour),
        (True, float),
    ],
)
def test_does_not_fit(value, annotation):
    assert not fits(value, annotation)


def test_like_a_default():
    assert fits_like(3, 1.0)
    assert fits_like([16, 32], 16)
    assert fits_like("x", None)
    assert fits_like(None, 3)
    assert fits_like({"_target_": "x"}, 3)
    assert not fits_like("abc", 1)
    assert not fits_like(2.5, 1)
    assert not fits_like(3, [1])
    assert not fits_like("yes", True)
    assert not fits_like(3, {"a": 1})


def test_words():
    assert wants(int | None) == "a whole number, or null"
    assert wants(float | Sequence | Thing) == "a number, or a list"
    assert wants(Union[int, Literal["a", "b"], Literal["b", "c"]]) == "a whole number, or one of a, b, c"  # noqa: UP007
    assert wants(tuple[float, float]) == "a list (a number each)"
    assert wants_like([1]) == "a list"
    assert wants_like(True) == "true or false"
    assert choices(Union[int, Literal["a", "b"]]) == ["a", "b"]  # noqa: UP007


def test_a_number_with_a_unit():
    assert without_unit("20ms") == "20e-3"
    assert without_unit("5 us") == "5e-6"
    assert without_unit("2kHz") == "2e3"
    assert without_unit("1e1ms") == "0.01"
    assert without_unit("fast") is None
    assert without_unit(3) is None
