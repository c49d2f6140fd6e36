"""What the target nir says of its file."""

from __future__ import annotations

import nir
import numpy as np

from snnctl import interchange
from snnctl.targets.nir import NIR


def graph(groups: int) -> nir.NIRGraph:
    nodes = {
        "input": nir.Input({"input": np.array([2, 5, 5])}),
        "conv": nir.Conv2d((5, 5), np.ones((4, 2 // groups, 3, 3), "float32"), 1, 0, 1, groups, np.zeros(4, "float32")),
        "output": nir.Output({"output": np.array([4, 3, 3])}),
    }
    return nir.NIRGraph(nodes, [("input", "conv"), ("conv", "output")], type_check=False)


def test_a_file_that_others_read_only_unchecked_says_so(tmp_path):
    interchange.write(tmp_path / "model.nir", graph(groups=2))
    assert NIR().next_steps(tmp_path)[1:] == [
        "conv (Conv2d): nir counts its groups wrongly; others read it with nir.read(type_check=False)"
    ]
    interchange.write(tmp_path / "model.nir", graph(groups=1))
    assert len(NIR().next_steps(tmp_path)) == 1
