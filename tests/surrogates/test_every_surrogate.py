"""What holds for every surrogate there is: each class in the package, each YAML of the group."""

from __future__ import annotations

import importlib
import inspect
import math
import pickle
import pkgutil
import re
from dataclasses import fields

import pytest
import torch
from omegaconf import OmegaConf

import snnctl.surrogates
from snnctl.errors import UserError
from snnctl.neurons import LIF
from snnctl.surrogates import Surrogate
from snnctl.surrogates.ranges import POSITIVE
from tests.kernels.test_trace import assert_program_is_the_step
from tests.surrogates.presets import GROUP, NAMES, preset

MODULES = [
    importlib.import_module(f"snnctl.surrogates.{m.name}") for m in pkgutil.iter_modules(snnctl.surrogates.__path__)
]
CLASSES = sorted(
    {
        kind
        for module in MODULES
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Surrogate) and kind is not Surrogate
    },
    key=lambda kind: kind.__name__,
)


def test_every_class_is_exported_and_has_a_yaml_with_its_defaults():
    assert {kind.__name__ for kind in CLASSES} | {"Surrogate"} == set(snnctl.surrogates.__all__)
    general = [preset(name) for name in NAMES if "/" not in name]
    assert not [kind.__name__ for kind in CLASSES if kind() not in general]


@pytest.mark.parametrize("name", NAMES)
def test_a_yaml_sets_every_number_and_says_where_the_formula_is_from(name):
    config = OmegaConf.load(GROUP / f"{name}.yaml")
    surrogate = preset(name)
    assert isinstance(surrogate, Surrogate)
    assert list(config) == ["_target_", *(field.name for field in fields(surrogate))]
    first, *lines = (GROUP / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(r"# .{20,117}\.", first) and all(re.match(r"\w+: \S+  # .{3,}", line) for line in lines)
    source = lines[0].partition("  # ")[2]
    assert any(year in source for year in map(str, range(1980, 2030)))


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_a_class_says_its_equation_its_arguments_and_its_source(kind):
    text = inspect.getdoc(kind)
    assert "ds/dx = " in text.splitlines()[0] and "Source: " in text
    assert [field.name for field in fields(kind) if f"\n    {field.name}: " not in text] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_derivative_is_the_numeric_one_of_the_primitive(name):
    surrogate, h = preset(name), 1e-6
    x = (torch.rand(4000, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2 - 1) * 4
    x = torch.cat([x, x / 200])  # where the sharp ones are not 0
    numeric = (surrogate.primitive(x + h) - surrogate.primitive(x - h)) / (2 * h)
    left, right = surrogate.derivative(x - h), surrogate.derivative(x + h)
    largest = surrogate.derivative(x).abs().max().clamp(min=1)
    smooth = (left - right).abs() < 1e-3 * largest
    assert smooth.float().mean() > 0.99
    torch.testing.assert_close(numeric[smooth], surrogate.derivative(x)[smooth], rtol=1e-5, atol=2e-4 * largest.item())


@pytest.mark.parametrize("name", NAMES)
def test_autograd_of_the_primitive_is_the_derivative_and_a_half_at_threshold(name):
    surrogate = preset(name)
    assert surrogate.primitive(torch.zeros((), dtype=torch.float64)).item() == pytest.approx(0.5, abs=1e-12)
    x = torch.linspace(-2.9371, 3.1453, 200, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(surrogate.primitive(x).sum(), x)
    torch.testing.assert_close(slope, surrogate.derivative(x.detach()), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_it_is_finite_far_from_threshold_and_in_half_precision(name, dtype):
    surrogate = preset(name)
    x = torch.cat([torch.linspace(-50, 50, 2001), torch.tensor([-0.0, 0.0, 1e-30, -1e-30])]).to(dtype)
    slope, step = surrogate.derivative(x), surrogate.primitive(x)
    assert slope.dtype == step.dtype == dtype and slope.shape == step.shape == x.shape
    assert slope.isfinite().all() and step.isfinite().all()
    exact = surrogate.derivative(x.double())
    if dtype == torch.float32 and name not in ("dithered_step", "snntorch/sso"):  # its phase is lost in the digits
        torch.testing.assert_close(slope.double(), exact, rtol=1e-3, atol=1e-5 * exact.abs().max().item())
    given = x.clone().requires_grad_()
    surrogate(given).sum().backward()
    assert torch.equal(given.grad, slope)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_printed_into_kernels(name):
    assert_program_is_the_step(LIF(surrogate=preset(name), threshold=0.3), 5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_a_compiled_kernel_gives_its_gradient(kind):
    draw = torch.Generator().manual_seed(0)
    given, weights = torch.rand(30, 4, 50, generator=draw) * 1.6 - 0.2, torch.randn(50, generator=draw)
    found = {}
    for backend in ("cpu", "eager"):
        x = given.clone().requires_grad_()
        out, _ = LIF(surrogate=kind(), tau_mem=5e-3, threshold=0.7, backend=backend)(x, dt=1e-3)
        (out * weights).sum().backward()
        found[backend] = out.detach(), x.grad
    assert torch.equal(found["cpu"][0], found["eager"][0])
    exact = found["eager"][1]
    torch.testing.assert_close(found["cpu"][1], exact, rtol=1e-5, atol=1e-6 * exact.abs().max().item())


@pytest.mark.parametrize("name", NAMES)
def test_it_survives_pickle_and_prints_its_numbers(name):
    surrogate = preset(name)
    again = pickle.loads(pickle.dumps(surrogate))
    assert again == surrogate and hash(again) == hash(surrogate)
    assert eval(repr(surrogate), vars(snnctl.surrogates)) == surrogate


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_what_is_no_number_is_told_by_name(kind):
    for field in fields(kind):
        for value in (math.nan, math.inf, "5", None, [1.0], 1 + 1j):
            with pytest.raises(UserError, match=rf"^{kind.__name__}: {field.name} is ") as error:
                kind(**{field.name: value})
            assert error.value.hint.startswith("range          ")


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_what_must_be_above_zero_is(kind):
    for field in fields(kind):
        positive = field.metadata.get("range", POSITIVE) is POSITIVE
        for value in (0, -0.1, True) if positive else ():
            with pytest.raises(UserError, match=rf"^{kind.__name__}: {field.name} is {value!r}") as error:
                kind(**{field.name: value})
            assert error.value.hint.endswith("a finite number above 0")
