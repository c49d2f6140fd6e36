"""Environments of gymnasium; what is missing is said with the command that installs it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from snnctl.environments import Gym
from snnctl.environments.players import Players
from snnctl.errors import UserError


def test_without_gymnasium_the_pip_line_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(UserError) as caught:
        Gym("CartPole-v1")
    assert "gymnasium" in caught.value.problem and "pip install 'gymnasium" in caught.value.hint
    assert caught.value.exit_code == 2


def test_an_id_that_would_import_a_module_is_refused():
    with pytest.raises(UserError, match="names a module"):
        Gym("os:CartPole-v1")


@pytest.fixture
def gymnasium():
    return pytest.importorskip("gymnasium")


@pytest.mark.parametrize(("id", "shape", "actions"), [
    ("CartPole-v1", (4,), ("left", "right")), ("Acrobot-v1", (6,), ("torque -1", "torque 0", "torque +1")),
])  # fmt: skip
def test_facts_and_resume(gymnasium, id, shape, actions):
    world = Gym(id)
    assert world.shape == shape and world.actions == actions
    one, other = (Players(world, 2, 1, "train") for _ in range(2))
    for chosen in np.random.default_rng(0).integers(2, size=(40, 2)).tolist():
        one.step(chosen)
    other.load_state_dict(one.state_dict())
    assert (one.seen == other.seen).all()


def test_mistakes(gymnasium):
    with pytest.raises(UserError) as caught:
        Gym("CartPol-v1")
    assert "CartPole-v1" in str(caught.value)
    with pytest.raises(UserError, match="Discrete set"):
        Gym("Pendulum-v1")


def test_an_action_that_lasts_several_moves(gymnasium):
    once, twice = Gym("CartPole-v1").make(), Gym("CartPole-v1", repeat=2).make()
    once.reset(seed=3), twice.reset(seed=3)
    for action in (0, 1, 1):
        first, second = once.step(action), once.step(action)
        seen, reward, ended, cut, _ = twice.step(action)
        np.testing.assert_array_equal(seen, second[0])
        assert reward == first[1] + second[1] == 2 and not ended and not cut
    moves = 0
    while not ended:  # pushed to one side it falls, and the action ends there
        _, reward, ended, *_ = twice.step(1)
        moves += reward
    once_moves = 0
    while not once.step(1)[2]:
        once_moves += 1
    assert moves == once_moves + 1


@pytest.mark.parametrize("repeat", [0, 1.5, True])
def test_a_number_of_moves_that_is_none(gymnasium, repeat):
    with pytest.raises(UserError, match="repeat"):
        Gym("CartPole-v1", repeat=repeat)


def test_a_picture_needs_no_screen_and_says_nothing(gymnasium, capfd):
    game = Gym("Acrobot-v1").make(pictures=True)
    game.reset(seed=1)
    assert game.render().shape == (500, 500, 3)
    assert capfd.readouterr().err == ""
