"""A node written to a NIR file and read from it."""

from pathlib import Path

import nir


def through_a_file(node: nir.NIRNode, path: Path) -> nir.NIRNode:
    shape = node.input_type["input"]
    ends = {"input": nir.Input({"input": shape}), "output": nir.Output({"output": shape})}
    nir.write(path, nir.NIRGraph({**ends, "n": node}, [("input", "n"), ("n", "output")]))
    return nir.read(path).nodes["n"]
