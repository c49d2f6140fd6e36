"""The whole conversion: what comes out is the ANN's output, the nearer the longer."""

from __future__ import annotations

import pytest
import torch

from snnctl.conversion import Conversion, from_module
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from tests.conversion.modules import CLASSES, SHAPE, Chained, Concatenating, Pooled, Residuals, inputs, trained

EXACT = [Chained, Residuals, Concatenating]


def facts(T: int) -> Facts:
    return Facts(SHAPE, tuple("abc"[:CLASSES]), 1e-3, T)


def outputs(kind, T: int, **settings) -> tuple[torch.Tensor, torch.Tensor]:
    """Of the ANN, and mean over T of the spiking network, for a constant input."""
    module, x = trained(kind), inputs()
    conversion = Conversion(T=T, method="maximum", **settings)
    graph = conversion.prepare(from_module(module, SHAPE))
    sequence = x.expand(T, *x.shape)
    network = conversion.convert(graph, [x], [sequence]).network(facts(T))
    with torch.no_grad():
        return module(x), network(sequence)[0].mean(0)


@pytest.mark.parametrize("kind", EXACT)
def test_the_mean_output_comes_nearer_to_the_anns_with_time(kind):
    errors = []
    for T in (8, 32, 128):
        ann, snn = outputs(kind, T, calibrate=False)
        if kind is Residuals:  # the end of it is a log_softmax
            snn = snn.log_softmax(1)
        errors.append(float((ann - snn).abs().mean() / ann.std()))
    assert errors[2] < errors[1] < errors[0]
    assert errors[2] < 0.05


@pytest.mark.parametrize("shift", ["bias", "membrane"])
def test_half_a_threshold_in_advance_halves_the_error(shift):
    ann, without = outputs(Chained, 16, shift="none", calibrate=False)
    _, with_half = outputs(Chained, 16, shift=shift, calibrate=False)
    assert (with_half - ann).abs().mean() < 0.6 * (without - ann).abs().mean()


def test_corrected_biases_bring_the_mean_output_to_the_anns():
    ann, without = outputs(Chained, 8, calibrate=False)
    _, corrected = outputs(Chained, 8)
    assert (corrected.mean(0) - ann.mean(0)).abs().max() < 1e-5
    assert (without.mean(0) - ann.mean(0)).abs().max() > 1e-2


def test_neurons_that_take_spikes_back_lose_less_where_the_input_changes():
    module, x = trained(Chained), inputs(32)
    T = 32
    sequence = torch.zeros(T, *x.shape)
    sequence[: T // 2, :, :1], sequence[T // 2 :, :, 1:] = 2 * x[:, :1], 2 * x[:, 1:]  # one channel, then the other
    errors = {}
    for signed in (False, True):
        conversion = Conversion(T=T, signed=signed, calibrate=False)
        graph = conversion.prepare(from_module(module, SHAPE))
        network = conversion.convert(graph, [x], [sequence]).network(facts(T))
        with torch.no_grad():
            errors[signed] = (network(sequence)[0].mean(0) - module(x)).abs().mean()
    assert errors[True] < 0.7 * errors[False]


def test_a_spiking_output_counts_the_positive_scores():
    ann, snn = outputs(Chained, 128, spiking_output=True)
    scale = ann.max()
    torch.testing.assert_close(snn, ann.clamp(min=0) / scale, atol=0.05, rtol=0)


def test_maximum_pooling_is_near():
    ann, snn = outputs(Pooled, 256)
    assert (snn - ann).abs().mean() < 0.1 * ann.std()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"T": 0}, "1 to 1024"), ({"T": 2000}, "1 to 1024"), ({"T": True}, "time steps"), ({"table": [4, -1]}, "table"),
        ({"method": "median"}, "percentile, maximum, mse"), ({"percentile": 0}, "above 0 to 100"),
        ({"samples": 0}, "samples"), ({"v_min": 0.5}, "at most 0"), ({"max_spikes": 0}, "1 and above"),
        ({"tolerance": 1.0, "table": []}, "convert.table"), ({"pooling": "max"}, "average, sum"),
        ({"finetune": -1}, "epochs"), ({"lr": 0.0}, "above 0"), ({"shift": "half"}, "bias, membrane, none"),
        ({"input": "events"}, "accumulated, steps"), ({"balance": "biases"}, "weights, thresholds"),
    ],
)  # fmt: skip
def test_values_out_of_range(settings, said):
    with pytest.raises(UserError) as caught:
        Conversion(**settings)
    assert said in str(caught.value)


def test_without_an_activation_there_is_nothing_to_convert():
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(128, CLASSES))
    with pytest.raises(UserError, match="no ReLU"):
        Conversion().prepare(from_module(module, SHAPE))


def test_without_data_there_is_no_threshold():
    conversion = Conversion()
    graph = conversion.prepare(from_module(trained(Chained), SHAPE))
    with pytest.raises(UserError, match="no data"):
        conversion.convert(graph, [], [])
    with pytest.raises(UserError, match="silent"):
        graph.nodes["0"].layer.bias.data.fill_(-100.0)
        conversion.convert(graph, [inputs()], [inputs().expand(32, -1, -1, -1, -1)])
