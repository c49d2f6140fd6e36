"""BindsNET's spike response models: SRM0Nodes, which fire by chance, and CSRMNodes, with kernels."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from tests.parity.cases.bindsnet_lif import nodes
from tests.parity.drive import currents
from tests.parity.frameworks import bindsnet
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset


def _srm0(given: Inputs, **options: float) -> Traces:
    torch.manual_seed(0)
    return nodes(given, "SRM0Nodes", **options)


def _escape(given: Inputs, **options: Any) -> Traces:
    torch.manual_seed(0)  # one draw of all steps gives the numbers of one draw a step
    out, _, states = preset("escape_lif/bindsnet", **options).trace(given["x"], dt=1e-3)
    return {"spikes": out, "v": states["v"]}


def _srm0_case(setting: str, theirs: dict, options: dict) -> Parity:
    return Parity(
        "bindsnet.network.nodes.SRM0Nodes", "neuron=escape_lif/bindsnet", setting, currents(5.0, 3.0),
        partial(_srm0, **theirs), partial(_escape, **options),
    )  # fmt: skip


def _csrm(given: Inputs, window: int = 20, **options: Any) -> Traces:
    """They take the last inputs as a window of their own, and sum what a spike does to theta over the batch: of one."""
    built = bindsnet("network.nodes").CSRMNodes(n=5, res_window_size=window, **options)
    built.compute_decays(1.0)
    built.set_batch_size(1)
    past = torch.cat([torch.zeros(window - 1, 1, 5), given["x"]])
    traces: dict[str, list[Tensor]] = {"spikes": [], "v": [], "theta": []}
    for t in range(len(given["x"])):
        built.forward(past[t : t + window].transpose(0, 1).clone())
        traces["spikes"].append(built.s.float())
        traces["v"].append(built.v.clone())
        traces["theta"].append(built.theta.expand(1, 5).clone())
    return {name: torch.stack(steps) for name, steps in traces.items()}


def _kernels(given: Inputs, **options: Any) -> Traces:
    out, _, states = preset("csrm/bindsnet", **options).trace(given["x"], dt=1e-3)
    return {"spikes": out, "v": states["v"], "theta": states["a"]}


def _csrm_case(setting: str, theirs: dict, options: dict, drive=(6.0, 3.0)) -> Parity:
    return Parity(
        "bindsnet.network.nodes.CSRMNodes", "neuron=csrm/bindsnet", setting, currents(*drive, shape=(1, 5)),
        partial(_csrm, **theirs), partial(_kernels, **options),
    )  # fmt: skip


SANE = {"v_start": None, "threshold": 1.0, "beta": 0.3, "tau_adapt": 20e-3}  # at rest below threshold
THEIRS = {"rest": 0.0, "thresh": 1.0, "theta_plus": 0.3, "tc_theta_decay": 20.0}
CASES = [
    _srm0_case("defaults", {}, {}),
    _srm0_case("refrac=0_d_thresh=2_rho_0=0.5", {"refrac": 0, "d_thresh": 2.0, "rho_0": 0.5},
               {"refractory": 0.0, "width": 2.0, "rate": 500.0}),
    _srm0_case("eps_0=0.7_tc_decay=20_rest=-65_reset=-68_lbound=-67",
               {"eps_0": 0.7, "tc_decay": 20.0, "rest": -65.0, "reset": -68.0, "lbound": -67.0},
               {"input_gain": 0.7, "tau_mem": 20e-3, "v_rest": -65.0, "v_reset": -67.0, "v_min": -67.0}),
    _csrm_case("defaults", {}, {}),
    *(
        _csrm_case(f"{kernel}_tau=4_rest=0_thresh=1", {**THEIRS, "responseKernel": kernel, "tau": 4, "reset_const": 2},
                   {**SANE, "response": own, "tau": 4e-3, "eta": 2.0}, (0.8, 0.3))
        for kernel, own in (("AlphaKernel", "alpha"), ("AlphaKernelSLAYER", "alpha_peak"),
                            ("LaplacianKernel", "laplacian"), ("ExponentialKernel", "exponential"))
    ),
    # their triangle goes on below zero beyond tau: equal where the window ends before
    _csrm_case("TriangularKernel_tau=30_rest=0_thresh=1",
               {**THEIRS, "responseKernel": "TriangularKernel", "tau": 30, "reset_const": 2},
               {**SANE, "response": "triangular", "tau": 30e-3, "eta": 2.0}, (0.8, 0.3)),
]  # fmt: skip
