"""The plug adds the product to every case of the comparison script, in the script's own names."""

from __future__ import annotations

from pathlib import Path

import torch

PLUG = Path(__file__).parent / "plug.py"


def test_the_product_is_added_and_runs():
    added, x = {}, torch.rand(4, 2, 6)

    def lay_wrap(call, steps, batch, n, params=()):
        assert (steps, batch, n) == (4, 2, 6)
        return lambda: call(x), lambda out: out.sum().backward()

    names = {"add": lambda case, name, make: added.setdefault((case, name), make), "lay_wrap": lay_wrap}
    names["DIMS"] = {"": (4, 2, 6), "-big": (5, 2, 6)}
    exec(compile(PLUG.read_text(), str(PLUG), "exec"), names)
    cases = {"onb512", "onb2048", "onb4096", "lif", "lif-big", "cuba", "alif", "rlif", "shd100", "shd250", "conv"}
    assert set(added) == {(case, "snnctl") for case in cases}
    forward, _ = added["lif", "snnctl"]()
    assert forward().shape == (4, 2, 6)
    assert 0 <= forward.info()["spike_rate"] <= 1
