"""Lattice iCE40 FPGAs: a network as Verilog, simulated bit for bit, placed, routed and packed into a bitstream."""

from snnctl.targets.fpga.ice40 import ICE40

__all__ = ["ICE40"]
