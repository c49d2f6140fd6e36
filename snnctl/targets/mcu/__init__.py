"""Microcontrollers: a network as C99 for a Cortex-M."""

from snnctl.targets.mcu.board import Board
from snnctl.targets.mcu.target import MCU

__all__ = ["MCU", "Board"]
