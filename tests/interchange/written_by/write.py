"""Let each framework write small networks as NIR, and run them: the files and traces beside this script.

    python -m tests.interchange.written_by.write [FRAMEWORK ...]

Run in the environment of `make frameworks`: it has nir 1.0.4 and nirtorch 2.0.2, with which Norse, Sinabs and Rockpool
wrote their files. What snnTorch and SpikingJelly write needs nir 1.0.8 and nirtorch 2.6 in their place. Weights and
inputs are drawn from seed 0, so a second run gives the same traces. NAME.npz holds x (T, B, ...), the network's input,
and out (T, B, ...), what it gave in its own framework.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tests.parity.frameworks import guard

HERE = Path(__file__).resolve().parent
STEPS, BATCH = 40, 2
Made = tuple[object, torch.Tensor, torch.Tensor]  # graph, x, out


def spikes(*shape: int, rate: float = 0.4) -> torch.Tensor:
    return (torch.rand(STEPS, BATCH, *shape) < rate).float()


def scaled(net: nn.Module, factor: float) -> nn.Module:
    """Larger weights, so that neurons fire."""
    for layer in net.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.Conv1d):
            layer.weight.data *= factor
    return net


# snnTorch ------------------------------------------------------------------------------------------------------------


def _snntorch(net: nn.Module, x: torch.Tensor) -> Made:
    from snntorch import utils
    from snntorch.export_nir import export_to_nir

    utils.reset(net)
    outs = [net(step) for step in x]
    out = torch.stack([y[0] if isinstance(y, tuple) else y for y in outs])
    utils.reset(net)
    return export_to_nir(net, x[0, 0]), x, out


def snntorch_leaky() -> Made:
    import snntorch as snn

    net = nn.Sequential(
        nn.Linear(4, 6), snn.Leaky(beta=0.9 * torch.ones(6), threshold=torch.ones(6), init_hidden=True),
        nn.Linear(6, 3), snn.Leaky(beta=0.8 * torch.ones(3), threshold=torch.ones(3), init_hidden=True),
    )  # fmt: skip
    return _snntorch(scaled(net, 2.0), spikes(4))


def snntorch_synaptic() -> Made:
    import snntorch as snn

    options = {"threshold": torch.ones(6), "init_hidden": True, "reset_mechanism": "zero"}
    net = nn.Sequential(nn.Linear(4, 6), snn.Synaptic(alpha=0.7 * torch.ones(6), beta=0.9 * torch.ones(6), **options))
    return _snntorch(net, spikes(4))


def snntorch_rleaky() -> Made:
    import snntorch as snn

    options = {"threshold": 1.0, "init_hidden": True, "reset_mechanism": "zero", "reset_delay": False}
    net = nn.Sequential(nn.Linear(4, 6), snn.RLeaky(beta=0.9, linear_features=6, **options))
    return _snntorch(scaled(net, 2.0), spikes(4))


def snntorch_rsynaptic() -> Made:
    import snntorch as snn

    options = {"threshold": 1.0, "init_hidden": True, "reset_mechanism": "subtract"}
    net = nn.Sequential(nn.Linear(4, 6), snn.RSynaptic(alpha=0.6, beta=0.9, linear_features=6, **options))
    return _snntorch(net, spikes(4))


# Norse ---------------------------------------------------------------------------------------------------------------


def _norse(net: nn.Module, x: torch.Tensor) -> Made:
    from norse.torch.utils.export_nir import to_nir

    state, outs = None, []
    for step in x:
        y, state = net(step, state)
        outs.append(y)
    return to_nir(net, x[0]), x, torch.stack(outs)


def norse_lif_box() -> Made:
    import norse.torch as norse

    p = norse.LIFBoxParameters(tau_mem_inv=torch.full((6,), 100.0), v_th=torch.full((6,), 0.3), v_leak=torch.zeros(6))
    li = norse.LIBoxParameters(tau_mem_inv=torch.full((3,), 50.0), v_leak=torch.zeros(3))
    net = norse.SequentialState(nn.Linear(4, 6), norse.LIFBoxCell(p), nn.Linear(6, 3), norse.LIBoxCell(li))
    return _norse(scaled(net, 3.0), spikes(4))


def norse_lif() -> Made:
    import norse.torch as norse

    p = norse.LIFParameters(
        tau_syn_inv=torch.full((6,), 200.0), tau_mem_inv=torch.full((6,), 100.0), v_leak=torch.zeros(6),
        v_th=torch.full((6,), 0.3), v_reset=torch.zeros(6),
    )  # fmt: skip
    return _norse(norse.SequentialState(nn.Linear(4, 6), norse.LIFCell(p)), spikes(4))


def norse_iaf() -> Made:
    import norse.torch as norse

    p = norse.IAFParameters(v_th=torch.full((6,), 1.0), v_reset=torch.zeros(6))
    return _norse(norse.SequentialState(nn.Linear(4, 6), norse.IAFCell(p)), spikes(4))


# Sinabs --------------------------------------------------------------------------------------------------------------


def _sinabs(net: nn.Module, x: torch.Tensor) -> Made:
    import sinabs
    from sinabs.nir import to_nir

    flat = x.transpose(0, 1).flatten(0, 1)  # batch and time in one, batch first
    out = net(flat)
    sinabs.reset_states(net)
    graph = to_nir(net, flat)
    graph.infer_types()  # without it nir cannot write the shapes that Sinabs leaves open
    return graph, x, out.unflatten(0, (BATCH, STEPS)).transpose(0, 1)


def sinabs_conv() -> Made:
    import sinabs.layers as sl

    net = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1, bias=False), sl.IAFSqueeze(batch_size=BATCH, spike_threshold=torch.tensor(1.0)),
        sl.SumPool2d(2), nn.Flatten(), nn.Linear(27, 4), sl.IAFSqueeze(batch_size=BATCH),
    )  # fmt: skip
    return _sinabs(scaled(net, 5.0), spikes(2, 6, 6))


def sinabs_lif() -> Made:
    import sinabs.layers as sl

    tau, threshold = torch.full((6,), 10.0), torch.full((6,), 0.3)
    net = nn.Sequential(
        nn.Linear(4, 6), sl.LIFSqueeze(tau_mem=tau, spike_threshold=threshold, batch_size=BATCH),
        nn.Linear(6, 3), sl.ExpLeakSqueeze(tau_mem=torch.full((3,), 20.0), norm_input=True, batch_size=BATCH),
    )  # fmt: skip
    return _sinabs(scaled(net, 3.0), spikes(4))


# Rockpool ------------------------------------------------------------------------------------------------------------


def _rockpool(net: object, x: torch.Tensor) -> Made:
    from rockpool.nn.modules.torch.nir import to_nir

    out, _, _ = net(x.transpose(0, 1))
    net.reset_state()
    return to_nir(net, x[:1].transpose(0, 1)), x, out.transpose(0, 1)


def rockpool_lif() -> Made:
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules.torch import LIFTorch, LinearTorch
    from rockpool.parameters import Constant

    fixed = {"bias": Constant(0.0), "dt": 1e-3, "threshold": torch.full((6,), 1.0)}
    taus = {"tau_mem": torch.full((6,), 20e-3), "tau_syn": torch.full((6,), 5e-3)}
    net = Sequential(LinearTorch((4, 6), has_bias=False), LIFTorch(6, **taus, **fixed))
    return _rockpool(net, spikes(4))


# SpikingJelly --------------------------------------------------------------------------------------------------------


def _spikingjelly(net: nn.Module, x: torch.Tensor) -> Made:
    from spikingjelly.activation_based import functional
    from spikingjelly.activation_based.nir_exchange import export_to_nir

    functional.set_step_mode(net, "m")
    out = net(x)
    functional.reset_net(net)
    return export_to_nir(net, x, dt=1e-3), x, out


def spikingjelly_conv() -> Made:
    from spikingjelly.activation_based import layer, neuron

    net = nn.Sequential(
        layer.Conv2d(2, 3, 3, padding=1), neuron.IFNode(), layer.AvgPool2d(2), layer.Flatten(), layer.Linear(27, 4),
        neuron.LIFNode(tau=4.0, v_threshold=0.2),
    )  # fmt: skip
    return _spikingjelly(scaled(net, 4.0), spikes(2, 6, 6))


def spikingjelly_cuba() -> Made:
    from spikingjelly.activation_based import layer, neuron

    net = nn.Sequential(layer.Linear(4, 6), neuron.CUBALIFNode(c_decay=0.5, v_decay=0.8, v_reset=0.0))
    return _spikingjelly(net, spikes(4))


WRITERS = (
    snntorch_leaky, snntorch_synaptic, snntorch_rleaky, snntorch_rsynaptic, norse_lif_box, norse_lif, norse_iaf,
    sinabs_conv, sinabs_lif, rockpool_lif, spikingjelly_conv, spikingjelly_cuba,
)  # fmt: skip
CASES: dict[str, Callable[[], Made]] = {case.__name__: case for case in WRITERS}


def main(arguments: list[str]) -> int:
    """The number of cases that could not be written."""
    import nir

    guard()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    failed = 0
    for name, case in CASES.items():
        if arguments and not any(name.startswith(wanted) for wanted in arguments):
            continue
        torch.manual_seed(0)
        try:
            with torch.no_grad():
                graph, x, out = case()
            small = {"compression": None} if "compression" in inspect.signature(nir.write).parameters else {}
            nir.write(HERE / f"{name}.nir", graph, **small)
            np.savez_compressed(HERE / f"{name}.npz", x=x.numpy(), out=out.detach().numpy())
            print(f"{name}: {float(out.abs().mean()):.3g} out, {(HERE / f'{name}.nir').stat().st_size} bytes")
        except Exception as error:  # a framework may raise anything
            failed += 1
            print(f"{name}: {type(error).__name__}: {error}", flush=True)
            if "--debug" in arguments:
                raise
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
