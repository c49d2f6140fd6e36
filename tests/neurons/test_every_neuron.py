"""What holds for every neuron that has a YAML, without a line for any of them."""

from __future__ import annotations

import copy
import inspect
import io
from pathlib import Path

import pytest
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from torch import Tensor
from torch.utils import _pytree as pytree

from snnctl.errors import UserError
from snnctl.neurons import Neuron
from tests.surrogates.smooth import Smooth

CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "neuron"
NAMES = sorted(p.relative_to(CONFIGS).as_posix()[:-5] for p in CONFIGS.rglob("*.yaml") if p.stem != "base")
MODELS = [name for name in NAMES if "/" not in name]  # the others are settings of these
LONG = [(n, 1000 if n in MODELS else 30) for n in NAMES]
STEPS = 1000  # of a sequence, told to those that ask
DT = 1e-3
# no gradcheck here; each has a test of its own
OTHERWISE = {"spiking_lstm": "the bound of its cell passes the gradient", "psn": "a weight for each pair of steps",
             "masked_psn": "a weight for each pair of steps",
             "dsr": "it is that of the mean over the sequence",
             "qcfs": "its stairs pass the gradient of their ramp"}  # fmt: skip


@pytest.fixture
def neuron(made, request):
    return made(request.param)


@pytest.fixture
def made(composed):
    """(name, overrides) -> the neuron with weights from seed 0, 3 of them where it asks how many, run by its step."""

    def make(name: str, *overrides: str, backend: str = "eager") -> torch.nn.Module:
        torch.manual_seed(0)
        partial = instantiate(composed(f"neuron={name}", f"+backend={backend}", *overrides))
        known, asked = {"shape": (3,), "steps": STEPS}, inspect.signature(partial.func).parameters
        return partial(**{name: value for name, value in known.items() if name in asked})

    return make


def currents(steps: int, dtype: torch.dtype = torch.float32) -> Tensor:
    draw = torch.Generator().manual_seed(1)
    return (torch.randn(steps, 2, 3, generator=draw) * 0.4 + 0.3).to(dtype)


def tensors(tree: object) -> list[Tensor]:
    return [leaf for leaf in pytree.tree_leaves(tree) if isinstance(leaf, Tensor)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    ("neuron", "steps"),
    [(n, 1) for n in NAMES] + [(n, 1000 if n in MODELS else 30) for n in NAMES],
    indirect=["neuron"],
)
def test_it_runs_short_and_long_in_full_and_in_half(neuron, dtype, steps):
    x = currents(steps, dtype).requires_grad_()
    torch.manual_seed(0)
    out, state = neuron(x, dt=DT)
    assert out.shape == x.shape and out.dtype == dtype and out.isfinite().all()
    assert all(field.isfinite().all() for field in tensors(state))
    if out.requires_grad:  # a synapse may hand its input on a step later
        out.float().sum().backward()
        assert x.grad is None or x.grad.isfinite().all()


@pytest.mark.parametrize("neuron", NAMES, indirect=True)
def test_two_halves_of_a_sequence_are_the_whole(neuron):
    if not getattr(neuron, "causal", True):
        pytest.skip("each step sees all others")
    x = currents(40)
    torch.manual_seed(0)
    whole, end = neuron(x, dt=DT)
    torch.manual_seed(0)
    first, state = neuron(x[:25], dt=DT)
    second, state = neuron(x[25:], state, dt=DT)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    for a, b in zip(tensors(state), tensors(end), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("neuron", NAMES, indirect=True)
def test_saved_and_loaded_it_is_the_same(neuron, made, request):
    kept = io.BytesIO()
    torch.save(neuron.state_dict(), kept)
    kept.seek(0)
    other = made(request.node.callspec.params["neuron"])
    for parameter in other.parameters():
        parameter.data.zero_()
    other.load_state_dict(torch.load(kept, weights_only=True))
    for twin in (other, copy.deepcopy(neuron)):
        outs = []
        for one in (neuron, twin):
            torch.manual_seed(0)
            outs.append(one(currents(20), dt=DT)[0])
        assert torch.equal(*outs)


@pytest.mark.slow  # compiles each
@pytest.mark.parametrize("name", NAMES)
def test_the_kernel_gives_what_the_step_gives(made, name):
    neuron = made(name, backend="auto")
    if not isinstance(neuron, Neuron) or neuron.runs_on(currents(1)[0], DT).name != "cpu":
        pytest.skip("runs in torch")
    x = currents(60)
    out, state = neuron(x, dt=DT)
    expected, end, _ = neuron.trace(x, dt=DT)
    assert torch.equal(out, expected)
    assert all(torch.equal(a, b) for a, b in zip(tensors(state), tensors(end), strict=True))


@pytest.mark.parametrize("name", MODELS)
def test_its_gradient_is_the_one_of_finite_differences(made, name):
    if name in OTHERWISE:
        pytest.skip(OTHERWISE[name])
    neuron = made(name)
    if isinstance(neuron, Neuron) and neuron.kinds:
        neuron = made(name, f"neuron.learnable=[{','.join(k for k in neuron.kinds if learns(made, name, k))}]")
    smooth(neuron)
    neuron = neuron.double()
    parameters = dict(neuron.named_parameters())

    def run(x: Tensor, *values: Tensor) -> Tensor:
        torch.manual_seed(0)
        given = dict(zip(parameters, values, strict=True))
        return torch.func.functional_call(neuron, given, (x,), {"dt": DT})[0]

    leaves = [t.detach().clone().requires_grad_() for t in (currents(5, torch.float64), *parameters.values())]
    assert torch.autograd.gradcheck(run, leaves, atol=1e-5, rtol=1e-3)


def learns(made, name: str, parameter: str) -> bool:
    """Whether the neuron has a gradient for a parameter; v_reset has none where the reset subtracts."""
    try:
        made(name, f"neuron.learnable=[{parameter}]")
    except (UserError, InstantiationException):
        return False
    return True


def smooth(neuron: torch.nn.Module) -> None:
    """Put the primitive of each surrogate in its place."""
    for module in neuron.modules():
        if hasattr(module, "surrogate"):
            module.surrogate = Smooth(module.surrogate)
