"""Rockpool's encoders: UpDownTorch, and the front end of Xylo IMU, which works in whole numbers.

Not copied: a vector thr_down is replaced by thr_up there. An axis of IMUIFSim whose direction is at right angles to the
one before, as after a sensor at rest, is multiplied by 0 and stays silent for ever; here it counts as alike. Modules
carry state from one sample of a batch to the next, so they are made anew for each sample.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from types import ModuleType
from unittest import mock

import numpy as np
import torch

from snnctl.datasets.encodings import IMU, Delta
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.uniforms import series

DT, STEPS = 1e-3, 40


def _updown(setting: str, theirs: dict, mine: dict, scale: float) -> Parity:
    def run(x: Inputs) -> Traces:
        from rockpool.nn.modules import UpDownTorch

        out = UpDownTorch((5,), **theirs)(x["x"].transpose(0, 1))[0].transpose(0, 1)
        return {"spikes": torch.cat([out[..., 0::2], out[..., 1::2]], 2)}  # ups and downs alternate there

    def ours(x: Inputs) -> Traces:
        return {"spikes": Delta(signed=False, **{"theta": 1e-3, **mine})(x["x"], STEPS, DT, ())}

    inputs = series(scale=scale)
    return Parity("rockpool.nn.modules.UpDownTorch", "encoding=delta/rockpool", setting, inputs, run, ours)


def _without_samna() -> None:
    """Empty packages instead of those whose `__init__` files import samna."""
    import rockpool

    for name in ("devices", "devices.xylo", "devices.xylo.syns63300"):
        if f"rockpool.{name}" not in sys.modules:
            package = ModuleType(f"rockpool.{name}")
            package.__path__ = [f"{rockpool.__path__[0]}/{name.replace('.', '/')}"]
            sys.modules[package.__name__] = package


@contextlib.contextmanager
def _scalars():
    """Whole numbers as parameters of their modules: with numpy 2.4, int() of an array raises TypeError."""
    from rockpool.parameters import SimulationParameter

    with contextlib.ExitStack() as stack:
        for name in ("rotation_removal", "rotation.subspace", "rotation.sample_hold"):
            module = importlib.import_module(f"rockpool.devices.xylo.syns63300.imuif.{name}")
            number = mock.patch.object(module, "SimulationParameter", lambda data, **_: SimulationParameter(int(data)))
            stack.enter_context(number)
        yield


def _imu(setting: str, theirs: dict, mine: dict, size: float = 1.0, steps: int = 80) -> Parity:
    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(4)
        slow = torch.randn(steps, 2, 3, generator=draw).cumsum(0) * 0.04
        t = torch.arange(steps)[:, None, None] * 5e-3
        tones = torch.sin(2 * torch.pi * t * torch.tensor([1.5, 6.0, 20.0])) * torch.tensor([0.5, 0.3, 0.6])
        return {"x": (slow + tones + torch.tensor([0.0, 0.2, 0.5])).clamp(-1.9, 1.9) * size}

    def run(x: Inputs) -> Traces:
        _without_samna()
        from rockpool.devices.xylo.syns63300.imuif_sim import IMUIFSim

        out = []
        for sample in x["x"].double().numpy().swapaxes(0, 1):
            whole = (sample * 0.5 * 2**15).astype(np.int64).astype(object)  # their Quantizer raises with numpy 2
            with _scalars():
                spikes, _, _ = IMUIFSim(**theirs)(whole[None])
            out.append(torch.from_numpy(spikes[0].astype(np.float32)))
        return {"spikes": torch.stack(out, 1)}

    def ours(x: Inputs) -> Traces:
        return {"spikes": IMU(full_scale=2.0, **mine)(x["x"], steps, 5e-3, ())}

    api = "rockpool.devices.xylo.syns63300.imuif_sim.IMUIFSim"
    return Parity(api, "encoding=imu", setting, inputs, run, ours)


CASES = [
    _updown("defaults", {}, {}, 3e-3),
    _updown("thr_up=0.4_thr_down=0.7", {"thr_up": 0.4, "thr_down": 0.7}, {"theta": 0.4, "theta_down": 0.7}, 0.6),
    _updown(
        "n_ref_steps=3", {"thr_up": 0.3, "thr_down": 0.3, "n_ref_steps": 3}, {"theta": 0.3, "refractory": 3e-3}, 0.3
    ),
    _imu("defaults", {}, {}, 0.03),
    _imu(
        "bypass_jsvd=True_scale_values=8",
        {"bypass_jsvd": True, "scale_values": 8},
        {"rotation": False, "scale_bits": 8},
    ),
    _imu("select_iaf_output=True", {"select_iaf_output": True}, {"threshold": 1024}, 0.3),
    _imu(
        "SAH_period=3_num_avg_bitshift=2",
        {"SAH_period": 3, "num_avg_bitshift": 2, "scale_values": 9},
        {"hold": 3, "average": 2, "scale_bits": 9},
    ),
]
