"""The grid world: what its camera sees, and what its moves earn."""

from __future__ import annotations

import numpy as np
import pytest

from snnctl.environments import EventGrid
from snnctl.errors import UserError

UP, DOWN, LEFT, RIGHT = range(4)


def at(world: EventGrid, agent: tuple[int, int], goal: tuple[int, int]):
    game = world.make()
    game.reset(seed=0)
    game.agent, game.goal = agent, goal
    return game


def test_the_trembling_camera_sees_the_edges_of_the_goal():
    world = EventGrid(size=3, pixels=1, steps=4, noise=0.0)
    assert world.shape == (2, 5, 5)
    game = at(world, (1, 1), (0, 1))
    seen = game._seen()
    # The goal is one cell above the middle (2, 2). The camera goes right, down, left, up by one pixel; the scene moves
    # the other way, so the goal brightens its new place (ON) and darkens the one it leaves (OFF).
    places = [(1, 2), (1, 1), (0, 1), (0, 2), (1, 2)]
    middle = np.argwhere(game._scene() == 1)[0] - (1, 2)
    for t in range(4):
        on, off = np.argwhere(seen[t, 0]), np.argwhere(seen[t, 1])
        assert on.tolist() == [(np.array(places[t + 1]) + middle).tolist()]
        assert off.tolist() == [(np.array(places[t]) + middle).tolist()]


def test_walls_show_where_the_contrast_is_low_enough():
    high, low = (EventGrid(size=3, noise=0.0, contrast=c) for c in (0.5, 0.3))
    seen = [at(world, (0, 0), (2, 2))._seen().sum() for world in (high, low)]
    assert seen[1] > 2 * seen[0] > 0


def test_rewards():
    world = EventGrid(size=3, goal=1.0, step=-0.02, bump=-0.1, shaping=0.5, noise=0.0)
    game = at(world, (0, 0), (0, 2))
    assert game.step(UP)[1:4] == (pytest.approx(-0.12), False, False)  # a wall: nothing moves
    assert game.step(DOWN)[1] == pytest.approx(-0.52)
    assert game.step(UP)[1] == pytest.approx(0.48)
    assert game.step(RIGHT)[1] == pytest.approx(0.48)
    assert game.step(RIGHT)[1:4] == (pytest.approx(1.5), True, False)


def test_an_episode_is_cut():
    game = at(EventGrid(size=3, longest=2), (2, 2), (0, 0))
    assert [game.step(DOWN)[2:4] for _ in range(2)] == [(False, False), (False, True)]


def test_the_same_seed_gives_the_same_course():
    world = EventGrid(size=4, noise=0.1)
    courses = []
    for _ in range(2):
        game = world.make()
        seen = [game.reset(seed=7)[0]] + [game.step(a)[0] for a in (UP, LEFT, DOWN)]
        courses.append(np.stack(seen))
    assert (courses[0] == courses[1]).all() and set(np.unique(courses[0])) == {0.0, 1.0}


def test_the_picture_shows_agent_and_goal():
    picture = at(EventGrid(size=3), (0, 0), (2, 2)).render()
    assert picture.dtype == np.uint8 and picture.shape[2] == 3
    assert {tuple(c) for c in picture.reshape(-1, 3)} >= {(31, 119, 180), (255, 127, 14)}


@pytest.mark.parametrize(
    "wrong", [{"size": 2}, {"steps": 1}, {"contrast": 0.0}, {"noise": 1.5}, {"goal": float("nan")}]
)
def test_values_out_of_range(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        EventGrid(**wrong)
