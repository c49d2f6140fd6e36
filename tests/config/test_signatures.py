from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snnctl.config.signatures import parameters

if TYPE_CHECKING:
    from nowhere import Unknown


@dataclass(frozen=True)
class Shift:
    pixels: int = 2
    kind: Callable | None = None


class Base:
    def __init__(self, threshold: float, other: Unknown = None, *, flag: bool = False, **settings):
        pass


class Child(Base):
    pass


class Open:
    def __init__(self, *args, **kwargs):
        pass


def test_of_a_dataclass():
    found = parameters(Shift)
    assert found.types == {"pixels": int, "kind": Callable | None}
    assert found.defaults == {"pixels": 2, "kind": None}
    assert found.required == [] and not found.open


def test_inherited_with_an_annotation_that_cannot_be_understood():
    found = parameters(Child)
    assert found.types == {"threshold": float, "other": Any, "flag": bool}
    assert found.required == ["threshold"]
    assert found.open


def test_of_a_class_that_takes_anything_and_of_one_that_says_nothing():
    assert parameters(Open).open and parameters(Open).types == {}
    assert not parameters(dict).known
