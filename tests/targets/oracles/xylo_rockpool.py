"""What Rockpool's mapper and quantisation make of two networks, frozen in xylo_rockpool.npz for the ordinary tests; and
whether its config_from_specification takes what snnctl builds for each chip.

    make frameworks
    .venv-oracles/bin/python -m tests.targets.oracles.xylo_rockpool

Rockpool is AGPL: it is run here and is no part of snnctl. samna, whose import runs pip, is never imported: a
stand-in of this file keeps what a configuration is given.
"""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_suffix(".npz")
CHIPS = {"a2": "syns61201", "a3": "syns65302", "imu": "syns63300"}
DT = 1e-3
ABSENT = ("samna", "bitstruct")  # what the SDK would bring along


class Kept:
    """An object of samna's: any attribute can be read, called, and set."""

    def __init__(self, *_, **__):
        pass

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        setattr(self, name, value := Kept())
        return value

    def __call__(self, *_, **__):
        return Kept()


def stand_in() -> None:
    """Put modules of `Kept` in samna's place."""

    class Module(types.ModuleType):
        __path__: list[str] = []

        def __getattr__(self, name: str):
            if name.startswith("__"):
                raise AttributeError(name)
            if name == "validate_configuration":
                return lambda config: (True, "")
            full = f"{self.__name__}.{name}"
            if name[0].islower():
                return sys.modules.setdefault(full, Module(full))
            return type(name, (Kept,), {})

    class Finder:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in ABSENT:
                return importlib.machinery.ModuleSpec(name, self, is_package=True)
            return None

        def create_module(self, spec):
            return Module(spec.name)

        def exec_module(self, module):
            pass

    sys.meta_path.insert(0, Finder())


def network(seed: int) -> tuple[dict[str, np.ndarray], object]:
    """Weights and thresholds, and Rockpool's network of them: inputs, recurrent neurons, spiking outputs."""
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LIFTorch, LinearTorch

    draw = np.random.default_rng(seed)
    inputs, hidden, outputs = 5, 12, 3
    given = {
        "w_in": draw.normal(size=(inputs, hidden)).astype(np.float32),
        "w_rec": draw.normal(size=(hidden, hidden)).astype(np.float32) * 0.4,
        "w_out": draw.normal(size=(hidden, outputs)).astype(np.float32),
        "threshold": draw.uniform(0.5, 2.0, hidden).astype(np.float32),
        "threshold_out": draw.uniform(0.5, 2.0, outputs).astype(np.float32),
    }
    net = Sequential(
        LinearTorch((inputs, hidden), weight=given["w_in"], has_bias=False),
        LIFTorch(
            (hidden, hidden), has_rec=True, w_rec=given["w_rec"], tau_mem=16e-3, tau_syn=8e-3, bias=0.0, dt=DT,
            threshold=given["threshold"],
        ),
        LinearTorch((hidden, outputs), weight=given["w_out"], has_bias=False),
        LIFTorch(outputs, tau_mem=32e-3, tau_syn=4e-3, bias=0.0, threshold=given["threshold_out"], dt=DT),
    )  # fmt: skip
    return given, net


def quantised(seed: int) -> dict[str, np.ndarray]:
    """Rockpool's integers of a network, by both of its methods, and the weights they are of."""
    from rockpool.devices.xylo.syns65302 import mapper
    from rockpool.transform.quantize_methods import channel_quantize, global_quantize

    given, net = network(seed)
    found = {f"{seed}.{name}": value for name, value in given.items()}
    for method, quantise in (("global", global_quantize), ("channel", channel_quantize)):
        spec = mapper(net.as_graph(), weight_dtype="float")
        spec.pop("mapped_graph"), spec.pop("bias"), spec.pop("bias_out")
        for name, value in quantise(**spec).items():
            found[f"{seed}.{method}.{name}"] = np.asarray(value).astype(np.int32)
    return found


def configurations() -> None:
    """Hand an artefact of snnctl for each chip to config_from_specification, and compare what the chip is given."""
    import tempfile

    from tests.targets.xylo import circuits

    circuit = circuits.circuit(6, 20, 4, bias=True)
    for name, chip in CHIPS.items():
        target = circuits.chip(name)
        plan = target.plan(circuit)
        model = target.quantise(circuit, plan)
        with tempfile.TemporaryDirectory() as folder:
            target.build(model, circuit, plan, Path(folder))
            with np.load(Path(folder) / "specification.npz") as file:
                spec = {k: int(file[k]) if file[k].ndim == 0 else file[k] for k in file.files}
        theirs = importlib.import_module(f"rockpool.devices.xylo.{chip}.xylo_samna")
        got, valid, _ = theirs.config_from_specification(**spec)
        hidden = got.reservoir if chip == "syns61201" else got.hidden
        assert valid and got.bias_enable is True
        assert np.array_equal(got.input.weights, spec["weights_in"][:, :, 0])
        assert np.array_equal(hidden.weights, spec["weights_rec"][:, :, 0])
        assert np.array_equal(got.readout.weights, spec["weights_out"])
        assert int(hidden.weight_bit_shift) == spec["weight_shift_rec"]
        for ours, rows, suffix in (("", hidden.neurons, "bias_hidden"), ("_out", got.readout.neurons, "bias_out")):
            assert [int(n.threshold) for n in rows] == spec[f"threshold{ours}"].tolist()
            assert [int(n.v_mem_decay) for n in rows] == spec[f"dash_mem{ours}"].tolist()
            assert [int(n.i_syn_decay) for n in rows] == spec[f"dash_syn{ours}"].tolist()
            assert [int(n.v_mem_bias) for n in rows] == spec[suffix].tolist()
        print(f"xylo/{name}: rockpool.devices.xylo.{chip}.config_from_specification takes it")


def main() -> None:
    stand_in()
    arrays = {name: value for seed in range(2) for name, value in quantised(seed).items()}
    np.savez_compressed(FILE, **arrays)
    print(f"{len(arrays)} arrays, {FILE.stat().st_size:,} bytes in {FILE.name}")
    configurations()


if __name__ == "__main__":
    main()
