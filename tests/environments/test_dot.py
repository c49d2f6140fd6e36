"""Dot tracing: the directional reward, the trail, the walls."""

from __future__ import annotations

import numpy as np
import pytest

from snnctl.environments import DotTracing
from snnctl.errors import UserError

UP, RIGHT, DOWN, LEFT = range(4)


def at(world: DotTracing, own: tuple[int, int], target: tuple[int, int], direction: tuple[int, int]):
    game = world.make()
    game.reset(seed=0)
    game.own, game.target, game.direction = [np.array(own)], [np.array(target)], np.array(direction)
    return game


def test_rewards_are_directional():
    world = DotTracing(size=10, turn=0.0)
    assert at(world, (5, 5), (2, 5), (-1, 0)).step(UP)[1] == 1  # nearer along the rows, as near along the columns
    assert at(world, (5, 5), (2, 5), (-1, 0)).step(DOWN)[1] == -1
    assert at(world, (5, 5), (2, 5), (-1, 0)).step(RIGHT)[1] == -1  # the column was right
    assert at(world, (0, 5), (0, 8), (0, 1)).step(UP)[1] == 0  # against the wall


def test_the_target_bounces_and_leaves_a_trail():
    game = at(DotTracing(size=4, trail=2, turn=0.0, centred=False), (3, 3), (0, 1), (-1, 0))
    seen = game.step(DOWN)[0]
    assert (game.target[0] == (1, 1)).all()
    expected = np.zeros((4, 4))
    expected[1, 1], expected[0, 1], expected[3, 3] = 1, 0.5, 1
    assert (seen[0] == expected).all()


def test_a_centred_picture_moves_with_the_agent():
    seen = at(DotTracing(size=4, turn=0.0), (3, 3), (0, 1), (0, 1))._seen()
    assert seen.shape == (1, 7, 7) and np.argwhere(seen[0]).tolist() == [[0, 1]]


def test_an_episode_is_cut_and_courses_repeat():
    world = DotTracing(size=5, longest=3)
    games = [world.make() for _ in range(2)]
    starts = [game.reset(seed=3)[0] for game in games]
    steps = [[game.step(UP) for _ in range(3)] for game in games]
    assert (starts[0] == starts[1]).all()
    assert [s[3] for s in steps[0]] == [False, False, True] and not any(s[2] for s in steps[0])
    assert all((a[0] == b[0]).all() and a[1] == b[1] for a, b in zip(*steps, strict=True))
    assert games[0].render().shape[2] == 3


def test_values_out_of_range():
    with pytest.raises(UserError, match="turn"):
        DotTracing(turn=2)
    with pytest.raises(UserError, match="trail"):
        DotTracing(trail=0)
