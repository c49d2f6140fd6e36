"""Games side by side: episodes start again, are counted, and are resumed by playing them again."""

from __future__ import annotations

import numpy as np
import pytest

from snnctl.environments import EventGrid
from snnctl.environments.players import Players, episode_seed
from snnctl.errors import RunFailed


def players(seed: int = 1) -> Players:
    return Players(EventGrid(size=3, steps=2, longest=4, noise=0.1), 3, seed, "train")


def actions(count: int) -> list[list[int]]:
    return np.random.default_rng(0).integers(4, size=(count, 3)).tolist()


def test_a_loaded_state_goes_on_as_the_saved_one():
    one = players()
    for chosen in actions(9):
        one.step(chosen)
    other = players()
    other.load_state_dict(one.state_dict())
    assert (one.seen == other.seen).all() and other.finished == []
    one.finished = []
    for chosen in actions(9):
        a, b = one.step(chosen), other.step(chosen)
        assert all((x == y).all() for x, y in zip(a, b, strict=True))
    assert (one.seen == other.seen).all() and one.finished == other.finished != []


def test_what_comes_after_the_last_action_is_no_new_episode():
    one = players()
    for chosen in actions(4):
        before = list(one.numbers)
        step = one.step(chosen)
        for k in range(3):
            assert (one.numbers[k] == before[k] + 3) == step.over[k]
            if not step.over[k]:
                assert (step.after[k] == one.seen[k]).all()
    assert step.over.any()
    assert {f.number % 3 for f in one.finished} == {f.player for f in one.finished}
    assert all(1 <= f.length <= 4 for f in one.finished)


def test_episodes_have_seeds_of_their_own():
    seeds = {episode_seed(s, p, n) for s in (1, 2) for p in ("train", "val") for n in range(20)}
    assert len(seeds) == 80


def test_a_reward_that_is_no_number_ends_the_run():
    one = Players(EventGrid(size=3), 1, 0, "train")
    one.world.rewards["step"] = float("nan")
    one.world.rewards["goal"] = float("nan")
    with pytest.raises(RunFailed, match="reward nan"):
        one.step([0])
