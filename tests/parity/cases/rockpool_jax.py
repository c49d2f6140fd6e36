"""Rockpool's losses, regularizers and adversary of jax."""

from __future__ import annotations

from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from snnctl.losses import MembraneMSE, ParameterNorm
from snnctl.regimes.robust import Robust
from tests.parity.frameworks import guard
from tests.parity.loss_drive import STEPS, membranes, with_gradient
from tests.parity.parity import Inputs, Parity, Traces

SHAPES = {"w1": (5, 4), "w2": (4, 3)}


def _trace(given: Inputs) -> Tensor:
    return given["x"].roll(1, 2)


def _their_loss(given: Inputs, name: str) -> Traces:
    guard()
    import jax
    from rockpool.training import jax_loss

    value, slope = jax.value_and_grad(getattr(jax_loss, name))(given["x"].numpy(), _trace(given).numpy())
    return {"loss": _tensor(value), "grad_x": _tensor(slope)}


def _my_loss(given: Inputs, factor: float = 1.0) -> Traces:
    length = torch.full(given["target"].shape, STEPS)
    return with_gradient(given, lambda x: MembraneMSE()(x, _trace(given), length) * factor)


def _tensor(x: Any) -> Tensor:
    import numpy as np

    return torch.from_numpy(np.array(x))


def parameters() -> Inputs:
    """Two parameters of several sizes, half of one near 0."""
    draw = torch.Generator().manual_seed(0)
    w1, w2 = (torch.randn(shape, generator=draw) for shape in SHAPES.values())
    w1[:2] *= 0.05
    return {"w1": w1, "w2": w2}


def _their_norm(given: Inputs, name: str, **options: float) -> Traces:
    guard()
    import jax
    from rockpool.training import jax_loss

    values = {n: p.numpy() for n, p in given.items()}
    value, slopes = jax.value_and_grad(lambda v: getattr(jax_loss, name)(v, **options))(values)
    return {"loss": _tensor(value), **{f"grad_{n}": _tensor(slopes[n]) for n in given}}


def _my_norm(given: Inputs, norm: ParameterNorm) -> Traces:
    values = {n: p.clone().requires_grad_() for n, p in given.items()}
    value = norm(values)
    value.backward()
    return {"loss": value, **{f"grad_{n}": p.grad for n, p in values.items()}}


def _norm(name: str, setting: str, options: dict[str, float], mine: ParameterNorm) -> Parity:
    return Parity(
        f"rockpool.training.jax_loss.{name}", f"regularizer=parameter_norm, norm={mine.norm}", setting, parameters,
        lambda given: _their_norm(given, name, **options), lambda given: _my_norm(given, mine),
    )  # fmt: skip


def attacked() -> Inputs:
    """x (12, 2, 5), target (12, 2, 3), two weights, and the Gaussian draw for each."""
    draw = torch.Generator().manual_seed(3)
    sizes = {"x": (12, 2, 5), "target": (12, 2, 3), **SHAPES, "r1": SHAPES["w1"], "r2": SHAPES["w2"]}
    return {name: torch.randn(size, generator=draw) for name, size in sizes.items()}


def _their_net(given: Inputs) -> Any:
    import jax.numpy as jnp
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import InstantJax, LinearJax

    w1, w2 = (LinearJax(SHAPES[n], weight=given[n].numpy(), has_bias=False) for n in SHAPES)
    return Sequential(w1, InstantJax(4, jnp.tanh), w2)


def _square(a: Any, b: Any) -> Any:
    return ((a - b) ** 2).mean()


def _their_adversary(given: Inputs, **options: float) -> Traces:
    guard()
    import jax
    from rockpool.training import adversarial_jax

    net = _their_net(given)
    draws = {tuple(given[name].shape): given[name].numpy() for name in ("r1", "r2")}
    x, target = (given[name].transpose(0, 1).numpy() for name in ("x", "target"))
    with mock.patch.object(adversarial_jax, "_split_and_sample_normal", lambda key, shape: (key, draws[tuple(shape)])):
        jax.clear_caches()
        value, slopes = jax.value_and_grad(adversarial_jax.adversarial_loss.__wrapped__)(
            net.parameters(), net, x, target, _square, _square, jax.random.PRNGKey(0), **options
        )
    by_shape = {tuple(slope.shape): _tensor(slope) for slope in jax.tree_util.tree_leaves(slopes)}
    return {"loss": _tensor(value), **{f"grad_{name}": by_shape[shape] for name, shape in SHAPES.items()}}


class _Net(nn.Module):
    def __init__(self, w1: Tensor, w2: Tensor):
        super().__init__()
        self.w1, self.w2 = nn.Parameter(w1.clone()), nn.Parameter(w2.clone())

    def forward(self, x: Tensor, state: None = None) -> tuple[Tensor, None]:
        return (x @ self.w1).tanh() @ self.w2, None


def _my_adversary(given: Inputs, robust: Robust) -> Traces:
    net = _Net(given["w1"], given["w2"])
    draws = {tuple(given[name].shape): given[name] for name in ("r1", "r2")}
    with mock.patch("torch.randn_like", lambda p: draws[tuple(p.shape)]):
        out = robust.mismatched(net)(given["x"])[0]
        length = torch.full((2,), len(given["x"]))
        value = mse_loss(out, given["target"]) + robust.penalty(net, lambda out: out, given["x"], length)
    value.backward()
    return {"loss": value.detach(), "grad_w1": net.w1.grad, "grad_w2": net.w2.grad}


def _their_attack(given: Inputs, **options: float) -> Traces:
    guard()
    import jax
    from rockpool.training import adversarial_jax

    net, x = _their_net(given), given["x"].transpose(0, 1).numpy()
    flat, tree = jax.tree_util.tree_flatten(net.parameters())
    draws = {tuple(given[name].shape): given[name].numpy() for name in ("r1", "r2")}
    with mock.patch.object(adversarial_jax, "_split_and_sample_normal", lambda key, shape: (key, draws[tuple(shape)])):
        jax.clear_caches()
        key = jax.random.PRNGKey(0)
        found, _ = adversarial_jax.pga_attack(flat, net, key, x, net(x)[0], tree, _square, **options)
    by_shape = {tuple(p.shape): _tensor(p) for p in found}
    return {name: by_shape[shape] for name, shape in SHAPES.items()}


def _my_attack(given: Inputs, robust: Robust) -> Traces:
    net = _Net(given["w1"], given["w2"])
    draws = {tuple(given[name].shape): given[name] for name in ("r1", "r2")}
    with mock.patch("torch.randn_like", lambda p: draws[tuple(p.shape)]):
        length = torch.full((2,), len(given["x"]))
        return robust.attack(net, net(given["x"])[0].detach(), lambda out: out, given["x"], length)


def _attack(setting: str, theirs: dict[str, float], mine: Robust) -> Parity:
    return Parity(
        "rockpool.training.adversarial_jax.pga_attack", "+robust@regime.robust=adversarial", setting, attacked,
        lambda given: _their_attack(given, **theirs), lambda given: _my_attack(given, mine),
    )  # fmt: skip


def _positive() -> Inputs:
    """Positive weights; of a negative one ours has the error of the other sign, which is as likely."""
    return {name: x.abs() if name.startswith("w") else x for name, x in attacked().items()}


def _their_mismatch(given: Inputs, **options: float) -> Traces:
    guard()
    import jax
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LinearJax
    from rockpool.transform import mismatch

    net = Sequential(*(LinearJax(SHAPES[n], weight=given[n].numpy(), has_bias=False) for n in SHAPES))
    draws = {tuple(given[name].shape): given[name].numpy() for name in ("r1", "r2")}
    prototype = jax.tree_util.tree_map(lambda p: True, mismatch.module_registery(net))
    with mock.patch.object(mismatch.rand, "normal", lambda key, shape: draws[tuple(shape)]):
        found = mismatch.mismatch_generator(prototype, **options)(net, jax.random.PRNGKey(0))
    by_shape = {tuple(p.shape): _tensor(p) for p in jax.tree_util.tree_leaves(found)}
    return {name: by_shape[shape] for name, shape in SHAPES.items()}


def _my_mismatch(given: Inputs, noise: float) -> Traces:
    net, draws = _Net(given["w1"], given["w2"]), {tuple(given[name].shape): given[name] for name in ("r1", "r2")}
    with mock.patch("torch.randn_like", lambda p: draws[tuple(p.shape)]):
        return Robust(noise=noise).drawn(net)


def _mismatch(setting: str, theirs: dict[str, float], noise: float) -> Parity:
    return Parity(
        "rockpool.transform.mismatch.mismatch_generator", "+robust@regime.robust=mismatch", setting, _positive,
        lambda given: _their_mismatch(given, **theirs), lambda given: _my_mismatch(given, noise),
    )  # fmt: skip


def _adversary(setting: str, theirs: dict[str, float], mine: Robust) -> Parity:
    return Parity(
        "rockpool.training.adversarial_jax.adversarial_loss", "+robust@regime.robust=adversarial",
        setting, attacked, lambda given: _their_adversary(given, **theirs), lambda given: _my_adversary(given, mine),
    )  # fmt: skip


CASES = [
    Parity(
        "rockpool.training.jax_loss.mse", "loss=membrane_mse", "defaults", membranes(),
        lambda given: _their_loss(given, "mse"), _my_loss,
    ),
    Parity(
        "rockpool.training.jax_loss.sse", "loss=membrane_mse, times T B C", "defaults", membranes(),
        lambda given: _their_loss(given, "sse"), lambda given: _my_loss(given, given["x"].numel()),
    ),
    _norm("l2sqr_norm", "defaults", {}, ParameterNorm("l2", "*", weight=1.0)),
    _norm("l0_norm_approx", "defaults", {}, ParameterNorm("l0", "*", weight=1.0)),
    _norm("l0_norm_approx", "sigma=1", {"sigma": 1.0}, ParameterNorm("l0", "*", sigma=1.0, weight=1.0)),
    _norm("l0_norm_approx", "sigma=0.01", {"sigma": 0.01}, ParameterNorm("l0", "*", sigma=0.01, weight=1.0)),
    _attack("defaults", {}, Robust(distance="mse")),
    _attack(
        "mismatch_level=0.2,attack_steps=4", {"mismatch_level": 0.2, "attack_steps": 4},
        Robust(level=0.2, steps=4, distance="mse"),
    ),
    _attack("mismatch_level=0.1,initial_std=0.01", {"mismatch_level": 0.1, "initial_std": 0.01},
            Robust(level=0.1, start=0.01, distance="mse")),
    _mismatch("defaults", {}, 0.1),
    _mismatch("percent_deviation=0.5", {"percent_deviation": 0.5}, 0.5 / 3),
    _mismatch("percent_deviation=0.2,sigma_rule=1", {"percent_deviation": 0.2, "sigma_rule": 1.0}, 0.2),
    _adversary("defaults", {}, Robust(distance="mse")),
    _adversary(
        "mismatch_level=0.2,attack_steps=4", {"mismatch_level": 0.2, "attack_steps": 4, "beta_robustness": 2.0},
        Robust(level=0.2, steps=4, weight=2.0, distance="mse"),
    ),
    _adversary(
        "noisy_forward_std=0.3", {"noisy_forward_std": 0.3, "initial_std": 0.01},
        Robust(noise=0.3, start=0.01, distance="mse"),
    ),
]  # fmt: skip
