"""A grid world seen by an event camera that the agent carries."""

from __future__ import annotations

from typing import Any

import numpy as np

from snnctl.errors import number, whole

MOVES = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}
TREMOR = ((0, 0), (0, 1), (1, 1), (1, 0))  # where the camera looks during a step, pixels


class EventGrid:
    """A walled square of cells; the agent is to reach the goal in the fewest steps.

    The agent stands in the middle of what its camera sees. Between two moves the camera trembles around a square of one
    pixel; a pixel whose brightness rises by `contrast` gives an ON event, one whose brightness falls an OFF event
    (Lichtsteiner, Posch, Delbruck 2008, doi 10.1109/JSSC.2007.914337), and noise adds events of its own:

        e[t] = (dI >= contrast, dI <= -contrast) or noise,    dI = I[t] - I[t-1]

    Brightness is 0 on the floor, 1 on the goal and 0.4 on the walls, so a contrast of 0.5 shows the goal alone.
    Reward: `goal` on reaching the goal, which ends the episode; `step` for every other move; and `bump` more for one
    into a wall, which moves nothing. With `shaping`, a move towards the goal earns `shaping`, one away costs it.

    Args:
        size: cells a side, 3 or more. pixels: of a cell's side.
        steps: time steps T of an observation.
        contrast: change of brightness that gives an event, above 0 to 1.
        noise: chance of an event that nothing caused, a pixel and step, 0 to 1.
        goal, step, bump, shaping: rewards.
        longest: moves after which an episode is cut; None: 4 size.

    Raises:
        UserError: a value is out of its range.
    """

    def __init__(
        self,
        size: int = 5,
        pixels: int = 2,
        steps: int = 8,
        contrast: float = 0.5,
        noise: float = 0.002,
        goal: float = 1.0,
        step: float = -0.02,
        bump: float = -0.1,
        shaping: float = 0.0,
        longest: int | None = None,
    ):
        for name, value, low in (("size", size, 3), ("pixels", pixels, 1), ("steps", steps, 2)):
            whole(f"EventGrid: {name} is", value, low)
        number("EventGrid: contrast is", contrast, "brightness", 0, 1, above=True)
        number("EventGrid: noise is", noise, "events a pixel and step", 0, 1)
        for name, value in (("goal", goal), ("step", step), ("bump", bump), ("shaping", shaping)):
            number(f"EventGrid: {name} is", value, "reward")
        self.name, self.actions = "EventGrid", tuple(MOVES)
        self.size, self.pixels, self.steps = size, pixels, steps
        self.contrast, self.noise, self.longest = contrast, noise, longest or 4 * size
        self.rewards = {"goal": goal, "step": step, "bump": bump, "shaping": shaping}
        side = (2 * size - 1) * pixels
        self.shape = (2, side, side)

    def make(self, pictures: bool = False) -> EventGridGame:
        """A new game."""
        return EventGridGame(self)

    def shortest(self, seed: int) -> int:
        """Moves that the best policy needs in the episode of a seed."""
        game = self.make()
        game.reset(seed=seed)
        return game.distance


class EventGridGame:
    """One `EventGrid`, with gymnasium's interface."""

    def __init__(self, world: EventGrid):
        self.world = world
        self.agent, self.goal = (0, 0), (0, 0)
        self.moves = 0

    @property
    def distance(self) -> int:
        """Cells between agent and goal, along rows and columns."""
        return abs(self.agent[0] - self.goal[0]) + abs(self.agent[1] - self.goal[1])

    def reset(self, *, seed: int | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Agent and goal in two cells drawn from the seed."""
        self._random = np.random.default_rng(seed)
        agent, goal = self._random.choice(self.world.size**2, 2, replace=False)
        self.agent, self.goal = divmod(int(agent), self.world.size), divmod(int(goal), self.world.size)
        self.moves = 0
        return self._seen(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Move: (events (T, 2, H, W), reward, goal reached, cut, {})."""
        rewards, before = self.world.rewards, self.distance
        wanted = tuple(a + m for a, m in zip(self.agent, MOVES[self.world.actions[action]], strict=True))
        bump = not all(0 <= w < self.world.size for w in wanted)
        self.agent = self.agent if bump else wanted
        self.moves += 1
        reached = self.agent == self.goal
        reward = rewards["goal"] if reached else rewards["step"] + bump * rewards["bump"]
        reward += rewards["shaping"] * (before - self.distance)
        return self._seen(), float(reward), reached, not reached and self.moves >= self.world.longest, {}

    def _seen(self) -> np.ndarray:
        world = self.world
        scene = self._scene()
        side = world.shape[1]
        films = [scene[r : r + side, c : c + side] for r, c in TREMOR]
        events = np.empty((world.steps, *world.shape), dtype=bool)
        for t in range(world.steps):
            change = films[(t + 1) % len(films)] - films[t % len(films)]
            events[t, 0], events[t, 1] = change >= world.contrast, change <= -world.contrast
        if world.noise:
            events |= self._random.random(events.shape) < world.noise
        return events.astype(np.float32)

    def _scene(self) -> np.ndarray:
        """Brightness around the agent, one pixel more a side than the camera sees."""
        world, k = self.world, self.world.pixels
        cells = np.full((2 * world.size - 1,) * 2, 0.4, dtype=np.float32)
        top, left = (world.size - 1 - a for a in self.agent)
        cells[top : top + world.size, left : left + world.size] = 0.0
        cells[top + self.goal[0], left + self.goal[1]] = 1.0
        return np.pad(cells.repeat(k, 0).repeat(k, 1), 1, mode="edge")[1:, 1:]

    def render(self) -> np.ndarray:
        """The grid from above, (H, W, 3) uint8: agent blue, goal orange."""
        picture = np.full((self.world.size, self.world.size, 3), 235, dtype=np.uint8)
        picture[self.goal], picture[self.agent] = (255, 127, 14), (31, 119, 180)
        picture = np.pad(picture, ((1, 1), (1, 1), (0, 0)), constant_values=60)
        scale = max(1, 240 // len(picture))
        return picture.repeat(scale, 0).repeat(scale, 1)
