"""The YAML of neurons and surrogates: every file builds and runs, every override that the documentation shows works."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import torch
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf

from snnctl.neurons import ALIF
from snnctl.surrogates import ATan, FastSigmoid, Sigmoid, Surrogate, Triangle

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
NEURONS = sorted(p.relative_to(CONFIGS / "neuron").as_posix()[:-5] for p in (CONFIGS / "neuron").rglob("*.yaml"))
SURROGATES = sorted(p.stem for p in (CONFIGS / "surrogate").glob("*.yaml"))
OPTIONS = [name for name in NEURONS if name != "base"]
SAME = ["if", "lif", "cuba_lif", "alif", "li", "relu", "alpha_lif", "alpha_synapse", "delta_lif", "exp_synapse",
        "graded_lif", "graded_spikes", "integrator", "lapicque", "mcculloch_pitts", "rate"]  # fmt: skip
SPIKING = ["if", "lif", "cuba_lif", "alif", "lif/norse"]


@pytest.mark.parametrize("name", OPTIONS)
def test_every_neuron_builds_runs_and_learns(composed, name):
    partial = instantiate(composed(f"neuron={name}", "+backend=eager"))  # kernels cost seconds each
    known = {"shape": (4,), "steps": 200}
    neuron = partial(**{n: known[n] for n in inspect.signature(partial.func).parameters if n in known})
    x = (2 * torch.rand(200, 3, 4)).requires_grad_()
    out, state = neuron(x, dt=1e-3)
    assert out.shape == x.shape and out.isfinite().all() and isinstance(state, tuple)
    out.sum().backward()
    assert x.grad.isfinite().all() and (x.grad != 0).any()


@pytest.mark.parametrize("name", SAME)
def test_yaml_and_python_have_the_same_arguments_and_defaults(composed, built, name):
    neuron = get_class(composed(f"neuron={name}")["_target_"])
    assert repr(built(f"neuron={name}")) == repr(neuron())
    assert set(composed(f"neuron={name}")) - {"_target_", "_partial_"} == set(neuron.__signature__.parameters) - {
        "shape"
    }


@pytest.mark.parametrize("name", SPIKING)
@pytest.mark.parametrize("surrogate", SURROGATES)
def test_every_surrogate_fits_every_spiking_neuron(built, name, surrogate):
    given = instantiate(OmegaConf.load(CONFIGS / "surrogate" / f"{surrogate}.yaml"))
    neuron = built(f"neuron={name}", f"surrogate@neuron.surrogate={surrogate}")
    assert isinstance(given, Surrogate) and neuron.surrogate == given


def test_overrides(built):
    assert isinstance(built("neuron=alif"), ALIF)
    assert built("neuron.tau_mem=10e-3").tau_mem == 0.01
    assert built("neuron.surrogate.alpha=5").surrogate == ATan(5)
    assert built("surrogate@neuron.surrogate=fast_sigmoid", "neuron.surrogate.slope=5").surrogate == FastSigmoid(5)
    assert built("neuron=alif", "surrogate@neuron.surrogate=triangle").surrogate == Triangle()
    assert built("neuron=lif/spikingjelly").surrogate == Sigmoid(4.0)
    neuron = built("neuron.input_gain=1-decay", "neuron.reset=none", "neuron.max_spikes=null", "neuron.fire=gt")
    assert (neuron.input_gain, neuron.reset, neuron.max_spikes, neuron.fire) == ("1-decay", "none", None, "gt")
    assert built("neuron.input_gain=dt/tau").coefficients(1e-3).gain == pytest.approx(0.05)


@pytest.mark.parametrize("name", ["if", "lif", "cuba_lif", "alif", "li", "relu"])
def test_the_defaults_suit_the_embedded_set(built, name):
    out, _ = built(f"neuron={name}")(torch.rand(10, 2, 3), dt=30e-3)  # ten bins of 30 ms
    assert out.isfinite().all()


def test_lists_come_from_the_command_line(built):
    neuron = built(
        "neuron.tau_mem=[10e-3,20e-3]", "neuron.learnable=[tau_mem,threshold]", "neuron.per=channel", shape=(2, 5, 5)
    )
    assert neuron.tau_mem.flatten().tolist() == pytest.approx([0.01, 0.02])
    assert neuron.threshold.shape == neuron.log_tau_mem.shape == (2, 1, 1)


def test_the_config_of_a_neuron_can_be_interpolated(composed):
    # what a network does: hidden: ${neuron}, built once a layer
    config = OmegaConf.create({"neuron": composed("neuron.tau_mem=5e-3"), "layers": {"hidden": "${neuron}"}})
    partial = instantiate(config).layers.hidden
    assert partial().tau_mem == 5e-3 and partial() is not partial()


@pytest.mark.parametrize(
    "path", [*(CONFIGS / "neuron").rglob("*.yaml"), *(CONFIGS / "surrogate").glob("*.yaml")], ids=str
)
def test_every_key_says_what_it_is(path):
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(r"# .{20,117}\.", first)
    for line in lines:
        assert re.match(r"defaults:$|  - |\w+: \S+  # .{3,}", line), line
