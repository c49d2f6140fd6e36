"""Triton's kernels compiled for a GPU, as far as that goes without one."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from torch import Tensor

from snnctl.kernels import cuda
from snnctl.neurons import ALIF, LIF, CubaLIF
from snnctl.surrogates import Sigmoid
from tests.kernels.conventions import DT, SHAPE, drive, program_of

triton = pytest.importorskip("triton", reason="Triton is not installed: pip install 'snnctl[cuda]'")
pytestmark = pytest.mark.usefixtures("folder")


class Recorded:
    """A kernel that is compiled for an H100 at its launch, as Triton does it there, and not run."""

    def __init__(self, function, texts: list[str], **options):
        self.function, self.texts, self.options = function, texts, options

    def __getitem__(self, grid):
        def launch(*args, **options):
            made = self.function.warmup(*args, grid=grid, **options | self.options)
            self.texts.append(made.asm["ptx"])

        return launch


@pytest.fixture
def ptx(monkeypatch):
    """Function (neuron, x, options of the scan) -> what its two kernels become, compiled without a GPU."""
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    answers = {"target": triton.backends.compiler.GPUTarget("cuda", 90, 32), "device": 0, "stream": 0}
    driver = SimpleNamespace(**{f"get_current_{k}": lambda *_, answer=v: answer for k, v in answers.items()})
    monkeypatch.setattr(triton.runtime.driver, "_active", driver)
    made = cuda._functions

    def ptx_of(neuron, x: Tensor, fusion: dict, **options) -> list[str]:
        texts = []
        functions = lambda plan, _: [(Recorded(f, texts, **fusion), names) for f, names in made(plan, False)]  # noqa: E731
        monkeypatch.setattr(cuda, "_functions", functions)
        monkeypatch.setattr(cuda, "interpreted", lambda: True)  # else the CPU's tensors are refused
        monkeypatch.setattr(cuda, "INTERPRETED", cuda.THREADS)
        start, coefs = neuron.initial_state(x[0]), neuron.coefficients(DT)
        out, _ = cuda.scan(program_of(neuron), x.clone().requires_grad_() * 1, start, coefs, **options)
        out.sum().backward()
        return texts

    return ptx_of


COMPILED = [
    (LIF(), {}),
    (LIF(), {"overwrite": True}),
    (ALIF(refractory=2e-3, max_spikes=None, learnable=["tau_mem", "beta"], per="channel", shape=SHAPE),
     {"storage": "bfloat16"}),
    (CubaLIF(reset_delay=True, reset="zero", max_spikes=3, surrogate=Sigmoid()), {"storage": "float16"}),
]  # fmt: skip


@pytest.mark.parametrize("neuron, options", COMPILED, ids=["LIF", "in place", "ALIF", "CubaLIF"])
def test_compiles_for_a_gpu_without_double_precision_and_without_fused_rounding(ptx, neuron, options):
    double, fused = re.compile(r"\.f64"), re.compile(r"\bfma\.")
    for steps, batch in ((5, 64), (1, 3)):
        texts = ptx(neuron, drive(steps, batch, *SHAPE), {}, **options)
        assert len(texts) == 2 and not any(double.search(text) or fused.search(text) for text in texts)
    assert any(fused.search(text) for text in ptx(neuron, drive(5, 64, *SHAPE), {"enable_fp_fusion": True}, **options))
