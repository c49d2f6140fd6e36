"""An episode as a moving picture: the world, and what the policy thinks of each action."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from snnctl import atomic

if TYPE_CHECKING:
    from snnctl.environments.environment import Environment

FRAMES = 250  # at most: of a longer episode every second, third ... is shown
WIDE = 300  # of a frame, pixels
MILLISECONDS = 50  # of a frame


def film(
    environment: Environment,
    path: Path,
    act: Callable[[np.ndarray], np.ndarray],
    choose: Callable[[np.ndarray, np.ndarray], np.ndarray],
    purpose: str = "test",
) -> tuple[float, int]:
    """Play the first episode of a purpose and write it as a GIF.

    Args:
        environment: what is played.
        path: of the file.
        act: observations (1, *shape) -> scores (1, actions).
        choose: these scores and observations -> actions (1,).
        purpose: whose first episode.

    Returns:
        Its return and its number of actions.
    """
    from snnctl.environments.players import episode_seed

    game, world = environment.world.make(pictures=True), environment.world
    seen = game.reset(seed=episode_seed(environment.seed, purpose, 0))[0]
    pictures, scores, actions, total, over = [game.render()], [], [], 0.0, False
    while not over:
        given = np.asarray(seen, dtype=np.float32)[None]
        scores.append(act(given)[0])
        actions.append(int(choose(scores[-1][None], given)[0]))
        seen, reward, ended, cut, _ = game.step(actions[-1] + getattr(world, "first", 0))
        total, over = total + float(reward), bool(ended or cut)
        pictures.append(game.render())
    every, last = -(-len(pictures) // FRAMES), len(scores) - 1
    frames = [
        _frame(pictures[k], scores[min(k, last)], actions[min(k, last)], world.actions, f"{world.name}   action {k}")
        for k in range(0, len(pictures), every)
    ]
    out = BytesIO()
    frames[0].save(out, format="GIF", save_all=True, append_images=frames[1:], loop=0, duration=MILLISECONDS)
    atomic.write(path, lambda file: file.write(out.getvalue()))
    return total, len(scores)


def _frame(picture: np.ndarray, scores: np.ndarray, chosen: int, actions: tuple[str, ...], title: str):
    """The picture, a line above, and a bar an action below: softmax of the scores, the chosen one orange."""
    from PIL import Image, ImageDraw

    shown = Image.fromarray(np.asarray(picture, dtype=np.uint8))
    shown = shown.resize((WIDE, max(1, round(WIDE * shown.height / shown.width))))
    whole = Image.new("RGB", (WIDE, 18 + shown.height + 14 * len(actions) + 4), "white")
    whole.paste(shown, (0, 18))
    draw = ImageDraw.Draw(whole)
    draw.text((4, 3), title, fill="black")
    share = np.exp(scores - scores.max())
    share /= share.sum()
    for k, name in enumerate(actions):
        top = 20 + shown.height + 14 * k
        colour = (255, 127, 14) if k == chosen else (31, 119, 180)
        draw.text((4, top), name[:14], fill="black")
        draw.rectangle((100, top + 2, 100 + int(share[k] * (WIDE - 106)), top + 10), fill=colour)
    return whole.quantize(64)
