"""Kernels inside everything else that torch does: autocast, checkpoints, copies, transforms, processes, threads."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import nn
from torch.autograd import forward_ad
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset

from snnctl.errors import UserError
from snnctl.kernels import threads
from snnctl.neurons import LI, LIF, CubaLIF
from tests.kernels.conventions import DT, drive
from tests.kernels.sequences import FAST


def net(backend="cpu", **options) -> nn.Module:
    torch.manual_seed(0)
    return Net(LIF(tau_mem=5e-3, threshold=0.3, backend=backend, **options))


class Net(nn.Module):
    """Linear, neurons, Linear."""

    def __init__(self, neuron):
        super().__init__()
        self.first, self.neuron, self.last = nn.Linear(6, 5), neuron, nn.Linear(5, 2)

    def forward(self, x):
        return self.last(self.neuron(self.first(x), dt=DT, overwrite=True)[0])


def gradients(module, x, **options):
    module.zero_grad()
    module(x, **options).square().sum().backward()
    return [p.grad.clone() for p in module.parameters()]


def assert_equal(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_a_network_trains_as_it_does_eagerly():
    x, losses = drive(12, 3, 6), []
    for backend in ("eager", "cpu"):
        module = net(backend, learnable=["tau_mem", "threshold"])
        optimizer = torch.optim.Adam(module.parameters(), 1e-2)
        for _ in range(5):
            optimizer.zero_grad()
            loss = (module(x) - 1).square().mean()
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.parametrize("backward_inside", [False, True])
def test_under_autocast_it_computes_in_float32(backward_inside):
    neuron, x = LIF(**FAST, backend="cpu"), drive(9, 3, 6)
    expected, _ = neuron(x.bfloat16().float(), dt=DT)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        leaf = x.bfloat16().requires_grad_()
        out, state = neuron(leaf, dt=DT)
        if backward_inside:
            out.sum().backward()
    if not backward_inside:
        out.sum().backward()
    assert out.dtype == torch.bfloat16 and state.v.dtype == torch.float32
    assert torch.equal(out.float(), expected) and leaf.grad.any()


def test_a_network_trains_under_autocast():
    x, module = drive(12, 3, 6), net()
    expected = gradients(module, x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = module(x).float().square().sum()
    module.zero_grad()
    loss.backward()
    for p, d in zip(module.parameters(), expected, strict=True):
        assert p.grad.dtype == torch.float32 and F.cosine_similarity(p.grad.flatten(), d.flatten(), 0) > 0.8


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients(mode):
    module, x = net(), drive(7, 2, 6)
    expected = module(x)
    with mode():
        out = module(x)
    assert not out.requires_grad and torch.equal(out, expected)


def test_only_parameters_or_only_the_input_need_a_gradient():
    x = drive(9, 3, 6)
    for learnable in (["tau_mem"], []):
        neuron = LIF(**FAST, learnable=learnable, backend="cpu")
        for needed in (True, False):
            leaf = x.clone().requires_grad_(needed)
            out, state = neuron(leaf, dt=DT)
            assert out.requires_grad == state.v.requires_grad == bool(needed or learnable)
            if out.requires_grad:
                out.sum().backward()
                assert (leaf.grad is not None) == needed


@pytest.mark.parametrize("reentrant", [False, True])
def test_activation_checkpoints(reentrant):
    module, x = net(learnable=["tau_mem"]), drive(9, 3, 6).requires_grad_()
    expected = gradients(module, x)
    again = gradients(lambda_module(module, lambda x: checkpoint(module, x, use_reentrant=reentrant)), x)
    assert_equal(again, expected)


def lambda_module(module, forward):
    """A module whose forward is another function."""
    wrapped = nn.Module()
    wrapped.inner, wrapped.forward = module, forward
    return wrapped


def test_saved_tensors_may_be_packed_away():
    module, x = net(learnable=["tau_mem"]), drive(9, 3, 6)
    expected = gradients(module, x)
    with torch.autograd.graph.save_on_cpu():
        assert_equal(gradients(module, x), expected)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        assert_equal(gradients(module, x), expected)


def test_copies_pickles_and_state_dicts_give_the_same():
    module, x = net(learnable=["tau_mem", "threshold"]), drive(9, 3, 6)
    expected = gradients(module, x)
    fresh = net(learnable=["tau_mem", "threshold"])
    for p in fresh.parameters():
        p.data.zero_()
    fresh.load_state_dict(module.state_dict())
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), fresh):
        assert_equal(gradients(other, x), expected)


def test_outputs_and_states_may_be_changed_in_place():
    for backend in ("eager", "auto"):
        torch.manual_seed(0)
        x = drive(9, 3, 6).requires_grad_()
        out, state = LIF(**FAST, backend=backend)(x, dt=DT)
        out = F.dropout(out, 0.5, inplace=True)
        (out.sum() + state.v.mul_(2).sum()).backward()
        assert x.grad.any()


def test_vmap_runs_it_for_every_element():
    neuron, x = LIF(**FAST), drive(4, 9, 2, 6)
    mapped = torch.func.vmap(lambda one: neuron(one, dt=DT)[0])(x)
    assert torch.equal(mapped, torch.stack([neuron(one, dt=DT)[0] for one in x]))


def test_torch_func_grad_is_the_gradient():
    neuron, x = LIF(**FAST), drive(9, 2, 6)
    leaf = x.clone().requires_grad_()
    neuron(leaf, dt=DT)[0].sum().backward()
    assert torch.equal(torch.func.grad(lambda x: neuron(x, dt=DT)[0].sum())(x), leaf.grad)


def test_a_kernel_insisted_on_says_that_transforms_do_not_reach_it():
    with pytest.raises(UserError, match=r"torch\.func"):
        torch.func.vmap(lambda x: LIF(backend="cpu")(x, dt=DT)[0])(drive(2, 3, 2, 4))


def test_forward_mode_gradients_are_not_lost():
    with forward_ad.dual_level():
        x = forward_ad.make_dual(drive(5, 2, 3), torch.ones(5, 2, 3))
        out, _ = LI()(x, dt=DT)
        tangent = forward_ad.unpack_dual(out).tangent
    assert tangent is not None and tangent[-1].min() > 1


def test_a_second_derivative_is_an_error_that_names_the_backend():
    x = drive(5, 2, 3).requires_grad_()
    out, _ = LIF(**FAST)(x, dt=DT)
    with pytest.raises(UserError, match="second derivative") as error:
        torch.autograd.grad(out.sum(), x, create_graph=True)
    assert 'backend="eager"' in error.value.hint
    out, _ = LIF(**FAST, backend="eager")(x, dt=DT)
    torch.autograd.grad(out.sum(), x, create_graph=True)


def test_a_spike_without_surrogate_has_no_gradient_even_over_its_input():
    class Hard(LIF):
        def step(self, x, state, coefs):
            v = (coefs.decay * state.v + x).detach()
            return (v >= coefs.threshold).to(v.dtype), state._replace(v=v)

    linear, x = nn.Linear(4, 4), drive(5, 2, 4)
    for overwrite in (False, True):
        out, state = Hard(threshold=0.3, backend="cpu")(linear(x), dt=DT, overwrite=overwrite)
        assert not out.requires_grad and not state.v.requires_grad
    out, _ = Hard(threshold=0.3, learnable=["v_rest"], backend="cpu")(x, dt=DT)
    assert not out.requires_grad


def test_two_python_threads_at_once(monkeypatch):
    monkeypatch.setattr(threads, "ALONE", 0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        neurons = [LIF(**FAST, backend="cpu"), CubaLIF(**FAST, backend="cpu")]
        inputs = [drive(20, 16, 64, seed=s) for s in range(4)]

        def one(k: int):
            leaf = inputs[k % 4].clone().requires_grad_()
            out, _ = neurons[k % 2](leaf, dt=DT)
            out.sum().backward()
            return out.detach(), leaf.grad

        expected = [one(k) for k in range(4)]
        with ThreadPoolExecutor(2) as pool:
            for k, (out, grad) in enumerate(pool.map(one, range(40))):
                assert torch.equal(out, expected[k % 4][0]) and torch.equal(grad, expected[k % 4][1])
    finally:
        torch.set_num_threads(before)


class Encoded(Dataset):
    """Samples that go through a neuron in the worker."""

    def __len__(self):
        return 6

    def __getitem__(self, i):
        with torch.no_grad():
            return LIF(**FAST, backend="cpu")(drive(20, 16, 64, seed=i), dt=DT)[0]


def _two_threads(_worker):
    torch.set_num_threads(2)
    threads.ALONE = 0


def test_forked_workers_run_kernels_after_a_training_step(monkeypatch):
    monkeypatch.setattr(threads, "ALONE", 0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        expected = [Encoded()[i] for i in range(6)]
        gradients(net(), drive(12, 3, 6))
        assert threads._pool is not None, "no thread was ever started"
        loader = DataLoader(Encoded(), None, num_workers=2, multiprocessing_context="fork", timeout=60,
                            worker_init_fn=_two_threads)  # fmt: skip
        for found, wanted in zip(loader, expected, strict=True):
            assert torch.equal(found, wanted)
        gradients(net(), drive(12, 3, 6))
    finally:
        torch.set_num_threads(before)


def _ddp(rank: int, file: str, results) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=2)
    module = DistributedDataParallel(net(learnable=["tau_mem"]))
    x = drive(10, 4, 6)[:, 2 * rank : 2 * rank + 2]
    for _ in range(2):
        found = gradients(module, x)
    results[rank] = found
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_of_ddp(tmp_path):
    with mp.get_context("spawn").Manager() as manager:
        results = manager.dict()
        mp.spawn(_ddp, (str(tmp_path / "store"), results), nprocs=2)
        one, other = results[0], results[1]
    assert_equal(one, other)
    whole = [d / 2 for d in gradients(net(learnable=["tau_mem"]), drive(10, 4, 6))]
    assert_equal(one, whole)
