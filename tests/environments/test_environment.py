"""An environment as a data module: facts, observations as input, turns that resume."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from snnctl.datasets.encodings import Poisson
from snnctl.environments import DotTracing, Environment, EventGrid
from snnctl.errors import UserError


class Line:
    """A world of two values."""

    name, shape, actions, steps = "Line", (2,), ("a", "b"), None

    def make(self, pictures: bool = False):
        raise NotImplementedError


def test_values_are_scaled_signed_and_repeated():
    environment = Environment(Line, steps=3, scale=[2.0, 1.0], signed=True)
    assert environment.facts.shape == (4,) and environment.facts.steps == 3
    x = environment.observe(np.array([[1.0, -3.0]], dtype=np.float32))
    assert x.tolist() == [[[2.0, 0.0, 0.0, 3.0]]] * 3


def test_a_film_has_its_own_steps():
    environment = Environment(lambda: EventGrid(size=3, steps=4))
    assert environment.facts.steps == 4 and environment.facts.classes == ("up", "down", "left", "right")
    assert environment.observe(environment.play("train", 2).seen).shape == (4, 2, 2, 10, 10)
    with pytest.raises(UserError, match="steps of its own") as caught:
        Environment(lambda: EventGrid(steps=4), steps=8, signed=True)
    assert caught.value.hint.startswith("set   environment.steps=null environment.signed=false   and")


def test_the_same_observation_is_encoded_alike_whoever_is_beside():
    environment = Environment(lambda: DotTracing(size=4), steps=20, encoding=Poisson(), seed=3)
    seen = environment.play("train", 3).seen
    whole, last = environment.observe(seen), environment.observe(seen[2:])
    assert torch.equal(whole[:, 2:], last) and 0 < whole.sum() and whole.shape == (20, 3, 1, 7, 7)


def test_turns_go_on_where_they_were():
    turns = Environment(Line, steps=3, turns=4).train_dataloader()
    iterator = iter(turns)
    assert [int(next(iterator).number) for _ in range(2)] == [0, 1]
    other = Environment(Line, steps=3, turns=4).train_dataloader()
    other.load_state_dict(turns.state_dict())
    other.set_epoch(0)
    assert [int(t.number) for t in other] == [2, 3]
    assert [int(t.number) for t in other] == [0, 1, 2, 3] and len(other) == 4


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"players": 0}, "players"), ({"steps": None}, "steps"), ({"scale": [1.0]}, "scale"), ({"dt": 0.0}, "dt")],
)
def test_values_out_of_range(wrong, said):
    with pytest.raises(UserError, match=said):
        Environment(Line, **{"steps": 3, **wrong})
