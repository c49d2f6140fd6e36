"""Norse's encoders and receptive fields. Draws: torch.rand is given the same uniform numbers.

Not copied: PopulationEncoder's scale defaults to the batch's maximum (here a range is declared);
temporal_scale_distribution with max_scale gives scales from max^2 / min down to max.
"""

from __future__ import annotations

import torch

from snnctl.datasets.encodings import Current, FirstSpikes, Population, Rate, SpatialFields, TemporalFields
from snnctl.neurons import LIF
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.uniforms import drawing, given, images, series

DT, STEPS = 1e-3, 40


def _poisson(name: str, signed: bool, setting: str, theirs: dict, rate: float, dt: float = DT) -> Parity:
    def run(x: Inputs) -> Traces:
        from norse.torch.module import encode

        with drawing(x["u"]):
            return {"spikes": getattr(encode, name)(STEPS, **theirs)(x["x"])}

    def ours(x: Inputs) -> Traces:
        return {"spikes": Rate(rate, signed=signed)(x["x"][None], STEPS, dt, given(x["u"]))}

    inputs = images(low=-1.0 if signed else 0.0, high=1.0)
    yaml = "encoding=signed_rate" if signed else "encoding=rate/norse"
    return Parity(f"norse.torch.{name}", yaml, setting, inputs, run, ours)


def _lif(tau_mem: float, **options):
    return LIF(tau_mem=tau_mem, decay="euler", input_gain="dt/tau", fire="gt", reset="value", **options)


def _current(name: str, setting: str, theirs: dict, mine: dict) -> Parity:
    first = name == "SpikeLatencyLIFEncoder"

    def run(x: Inputs) -> Traces:
        from norse.torch import LIFParameters
        from norse.torch.module import encode

        p = LIFParameters(**{k: torch.as_tensor(v) for k, v in theirs.items()})
        return {"spikes": getattr(encode, name)(STEPS, p)(x["x"])}

    def ours(x: Inputs) -> Traces:
        current = Current(_lif(**({"tau_mem": 10e-3} | mine)))
        return {"spikes": (FirstSpikes(current) if first else current)(x["x"][None], STEPS, DT, ())}

    yaml = "encoding=latency_lif" if first else "encoding=current/norse"
    return Parity(f"norse.torch.{name}", yaml, setting, images(high=6.0), run, ours)


def _latency() -> Parity:
    def inputs() -> Inputs:
        return {"x": (images()()["u"] < 0.2).float()}

    def run(x: Inputs) -> Traces:
        from norse.torch import SpikeLatencyEncoder

        return {"spikes": SpikeLatencyEncoder()(x["x"])}

    def ours(x: Inputs) -> Traces:
        return {"spikes": FirstSpikes()(x["x"], STEPS, DT, ())}

    return Parity("norse.torch.SpikeLatencyEncoder", "encoding=first_spikes", "defaults", inputs, run, ours)


def _population(setting: str, count: int, scale: float, sigma: float = 1.0) -> Parity:
    def run(x: Inputs) -> Traces:
        from norse.torch import PopulationEncoder
        from norse.torch.functional.encode import gaussian_rbf

        encoder = PopulationEncoder(count, scale=scale, kernel=lambda d: gaussian_rbf(d, sigma))
        return {"activity": encoder(x["x"]).flatten(1)}

    def ours(x: Inputs) -> Traces:
        code = Population(count, 0.0, scale, width=sigma / scale**0.5)
        return {"activity": code(x["x"][None], 3, DT, ())[1]}

    inputs = images(high=scale)
    return Parity("norse.torch.PopulationEncoder", "encoding=population/norse", setting, inputs, run, ours)


def _spatial(setting: str, size: int, scales, angles, ratios, derivatives, domain: float = 8.0, **options) -> Parity:
    def run(x: Inputs) -> Traces:
        from norse.torch import SampledSpatialReceptiveField2d

        given = [torch.tensor(v) for v in (scales, angles, ratios)]
        fields = SampledSpatialReceptiveField2d(2, size, *given, derivatives, domain=domain)
        return {"fields": fields.submodule.weights[:, 0], "activity": fields(x["x"])}

    def ours(x: Inputs) -> Traces:
        pairs = derivatives
        if isinstance(derivatives, int):
            pairs = [(i, j) for i in range(derivatives + 1) for j in range(derivatives + 1)]
        code = SpatialFields(size, scales, angles, ratios, pairs, domain)
        return {"fields": code.fields(), "activity": code(x["x"][None], 1, DT, ())[0]}

    api, yaml = "norse.torch.SampledSpatialReceptiveField2d", "encoding=spatial_fields"
    return Parity(api, yaml, setting, images(shape=(1, 2, size + 2, size + 1)), run, ours)


def _temporal(setting: str, theirs: dict, mine: dict) -> Parity:
    def run(x: Inputs) -> Traces:
        from norse.torch import TemporalReceptiveField

        field, state, out = TemporalReceptiveField((3,), **theirs), None, []
        for x_t in x["x"]:
            v, state = field(x_t, state)
            out.append(v.flatten(1))
        return {"v": torch.stack(out)}

    def ours(x: Inputs) -> Traces:
        return {"v": TemporalFields(decay="euler", **mine)(x["x"], STEPS, DT, ())}

    inputs = series(shape=(2, 3))
    return Parity("norse.torch.TemporalReceptiveField", "encoding=temporal_fields", setting, inputs, run, ours)


CASES = [
    _poisson("PoissonEncoder", False, "defaults", {}, 100.0),
    _poisson("PoissonEncoder", False, "f_max=400", {"f_max": 400}, 400.0),
    _poisson("PoissonEncoder", False, "dt=0.005", {"dt": 5e-3}, 100.0, 5e-3),
    _poisson("SignedPoissonEncoder", True, "defaults", {}, 100.0),
    _poisson("SignedPoissonEncoder", True, "f_max=400", {"f_max": 400}, 400.0),
    _poisson("SignedPoissonEncoder", True, "dt=0.005", {"dt": 5e-3}, 100.0, 5e-3),
    _current("ConstantCurrentLIFEncoder", "defaults", {}, {}),
    _current("ConstantCurrentLIFEncoder", "tau_mem_inv=200", {"tau_mem_inv": 200.0}, {"tau_mem": 5e-3}),
    _current(
        "ConstantCurrentLIFEncoder",
        "v_th=0.6_v_reset=-0.3",
        {"v_th": 0.6, "v_reset": -0.3},
        {"threshold": 0.6, "v_reset": -0.3},
    ),
    _current("SpikeLatencyLIFEncoder", "defaults", {}, {}),
    _current("SpikeLatencyLIFEncoder", "tau_mem_inv=50", {"tau_mem_inv": 50.0}, {"tau_mem": 20e-3}),
    _current("SpikeLatencyLIFEncoder", "v_th=2", {"v_th": 2.0}, {"threshold": 2.0}),
    _latency(),
    _population("scale=1", 6, 1.0),
    _population("scale=4", 9, 4.0),
    _population("scale=2_sigma=0.3", 5, 2.0, 0.3),
    _spatial("defaults", 9, (1.0, 2.0), (0.0,), (1.0,), 0),
    _spatial("angles_ratios_derivatives=1", 9, (1.5,), (0.0, 0.7), (0.5, 2.0), 1),
    _spatial("derivatives=listed_domain=4", 7, (0.7, 1.3), (0.4,), (1.5,), [(2, 0), (0, 1), (2, 1)], 4.0),
    _temporal("defaults", {}, {"shortest": DT, "spread": 1.41421}),
    _temporal("n_scales=2_c=1.9", {"n_scales": 2, "c": 1.9}, {"count": 2, "shortest": DT, "spread": 1.9}),
    _temporal("min_scale=9", {"min_scale": 9}, {"shortest": 3 * DT, "spread": 1.41421}),
]
