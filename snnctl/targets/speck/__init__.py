"""Speck 2e and 2f of SynSense: nine asynchronous cores, each a convolution, IF neurons and sum pooling."""

from snnctl.targets.speck.chip import Speck

__all__ = ["Speck"]
