"""What an evaluation of a policy found: returns, and the video of an episode."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from snnctl import atomic
from snnctl.errors import UserError


def spread(episodes: list[tuple[float, int]]) -> dict[str, Any]:
    """Figures of a test's episodes (return, actions) for results.json."""
    totals, lengths = (np.array(values, dtype=float) for values in zip(*episodes, strict=True))
    return {
        "test/return": float(totals.mean()),
        "test/return_std": float(totals.std(ddof=1)) if len(totals) > 1 else 0.0,
        "test/return_min": float(totals.min()),
        "test/return_max": float(totals.max()),
        "test/length": float(lengths.mean()),
        "test/episodes": len(totals),
    }


def write(episodes: list[tuple[float, int]], path: Path) -> None:
    """episodes.csv: a row an episode."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("episode", "return", "actions"))
    writer.writerows((k, *one) for k, one in enumerate(episodes))
    atomic.write_text(path, text.getvalue())


def video(regime: Any, environment: Any, path: Path) -> str:
    """Write the first test episode as a GIF; what stands in the way of it is said, not raised.

    Returns:
        What was done, for people.
    """
    from snnctl.regimes.acting.playing import greedy
    from snnctl.report.film import film

    try:
        total, length = film(environment, path, lambda seen: regime.preferences(environment, seen), greedy)
    except UserError as error:
        return f"no video: {error.problem}. {error.hint}"
    except Exception as error:  # a world's own drawing: of any package, raising anything
        return f"no video: {type(error).__name__}: {error}"
    return f"{path.name}: the first test episode, return {total:g} in {length} actions"


def show(results: dict[str, Any], folder: Path) -> None:
    """Print the figures of a results.json."""
    print(
        f"test return {results['test/return']:.2f} +- {results['test/return_std']:.2f} "
        f"({results['test/return_min']:g} to {results['test/return_max']:g}) over {results['test/episodes']} episodes, "
        f"{results['test/length']:.1f} actions an episode"
    )
    print(f"results.json, episodes.csv in {folder}")
