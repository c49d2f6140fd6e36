from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

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


class HandsOn(Base):
    def __init__(self, *args, gain: int = 3, **kwargs):
        super().__init__(*args, **kwargs)


class Closed:
    def __init__(self, network: int, *, weight: float = 1.0):
        pass


class HandsOnToClosed(Closed):
    def __init__(self, *args, gain: int = 3, **kwargs):
        super().__init__(*args, **kwargs)


class TakesMore(Closed):
    def __init__(self, network: int, **settings):
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


def test_of_a_class_that_hands_on_to_its_base():
    found = parameters(HandsOnToClosed)
    assert found.types == {"network": int, "weight": float, "gain": int} and not found.open
    assert found.defaults == {"weight": 1.0, "gain": 3} and found.required == ["network"]
    assert parameters(HandsOn).types == {"threshold": float, "other": Any, "flag": bool, "gain": int}
    assert parameters(HandsOn).open and parameters(TakesMore).open and "weight" not in parameters(TakesMore).types
    assert parameters(torch.nn.Identity).open
