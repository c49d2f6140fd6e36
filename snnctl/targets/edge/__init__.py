"""The target "edge": one time step as ONNX or ExecuTorch, for Linux, Android and ARM runners."""

from snnctl.targets.edge.edge import Edge
from snnctl.targets.edge.step import Step

__all__ = ["Edge", "Step"]
