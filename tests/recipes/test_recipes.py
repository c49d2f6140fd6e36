"""Every recipe learns what it should on a small budget; whole ones are proven by `make recipes` (docs/proof.md)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from snnctl.cli import main
from tests.recipes.budgets import BUDGETS, Budget

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
FASHION = Path("/usr/share/datasets/fashion-mnist")


@pytest.mark.data
@pytest.mark.parametrize("budget", BUDGETS, ids=lambda b: b.recipe)
def test_a_recipe_learns_on_a_small_budget(budget: Budget, tmp_path, shared_data):
    if budget.recipe.startswith("fashion") and not FASHION.is_dir():
        pytest.skip("needs Debian's package dataset-fashion-mnist")
    folder = tmp_path / "run"
    assert main(["train", budget.recipe, *budget.data(str(shared_data)), *budget.small, f"hydra.run.dir={folder}"]) == 0
    assert budget.reached(json.loads((folder / "results.json").read_text())[budget.figure], budget.small_asked)


def test_recipes_are_short_and_say_what_they_are():
    for path in RECIPES.glob("*.yaml"):
        lines = path.read_text().splitlines()
        assert lines[0].startswith("# "), path
        body = [line for line in lines if line.strip() and not line.lstrip().startswith(("#", "- ", "defaults:"))]
        assert len(body) <= 15, path
