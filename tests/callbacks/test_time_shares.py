"""Where the time of an epoch goes."""

from __future__ import annotations

import pytest

from tests.runs import SMALL, snnctl


@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_the_shares_of_an_epoch_are_shown_and_add_up(tmp_path, network):
    sizes = [] if network == "mlp" else ["network=conv", "network.channels=[4]"]
    small = [word for word in SMALL if not (sizes and word.startswith("network"))]
    done = snnctl("train", *small, *sizes, "callbacks=time_shares", "eval_after=false",
                  cwd=tmp_path)  # fmt: skip
    lines = done.stdout.splitlines()
    (start,) = (i for i, line in enumerate(lines) if line.startswith("epoch 2: "))
    table = [line.rsplit(maxsplit=2) for line in lines[start + 2 : start + 7]]
    seconds = {name: float(s) for name, s, _ in table}
    assert set(seconds) == {"data", "neurons", "products", "pooling and norms", "the rest"}
    assert sum(float(percent) for *_, percent in table) == pytest.approx(100, abs=0.3)
    assert min(seconds["neurons"], seconds["products"], seconds["data"]) > 0
    assert (seconds["pooling and norms"] > 0) == (network == "conv")
