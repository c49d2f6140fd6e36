"""Losses: values worked out by hand, and what is padded never matters."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hydra import compose, initialize_config_dir

from snnctl.config.building import build
from snnctl.errors import UserError
from snnctl.losses import (
    CTC,
    BinaryPeak,
    FinalMembraneCrossEntropy,
    FirstSpike,
    Loss,
    MaxMembraneCrossEntropy,
    MeanMembraneCrossEntropy,
    MembraneMSE,
    Peak,
    PerStepCrossEntropy,
    RateCrossEntropy,
    RateMSE,
    SpikeCountCrossEntropy,
    SpikeCountMSE,
    SpikeSimilarity,
    SpikeTimeMSE,
)
from snnctl.networks import Voting

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
ALL = [
    SpikeCountCrossEntropy(),
    SpikeCountCrossEntropy(label_smoothing=0.1),
    RateCrossEntropy(),
    MaxMembraneCrossEntropy(),
    FinalMembraneCrossEntropy(),
    FinalMembraneCrossEntropy(window=2),
    MeanMembraneCrossEntropy(),
    MeanMembraneCrossEntropy(class_weights=[1.0, 0.5, 2.0, 3.0]),
    PerStepCrossEntropy(label_smoothing=0.1),
    PerStepCrossEntropy(level_weight=0.3),
    FirstSpike(),
    FirstSpike(threshold=0.5),
    FirstSpike(threshold=0.5, inverse="reciprocal", gradient="sign"),
    RateMSE(),
    SpikeCountMSE(),
    MembraneMSE(class_weights=[1.0, 0.5, 2.0, 3.0]),
    SpikeTimeMSE(on_target=1),
    Peak(),
    Peak(window=2, nontarget_output=-0.1),
    BinaryPeak(window=2),
    CTC(),
    CTC(blank=2),
    SpikeSimilarity(),
    SpikeSimilarity("gaussian", smoothing=2.0, distance="bce", cross_entropy_weight=0.5),
]


def classes(loss: Loss) -> int:
    return 2 if isinstance(loss, BinaryPeak) else 4


LENGTH = torch.tensor([4, 2])
TARGET = torch.tensor([0, 1])
# sample 0 has 4 steps, sample 1 has 2 and then padding
OUT = torch.tensor(
    [
        [[0.0, 1.0], [0.0, 1.0]],
        [[1.0, 0.0], [0.0, 0.0]],
        [[1.0, 0.0], [9.0, 9.0]],
        [[0.0, 0.0], [9.0, 9.0]],
    ]
)


@pytest.mark.parametrize(
    ("loss", "scores"),
    [
        (SpikeCountCrossEntropy(), [[2, 1], [0, 1]]),
        (RateCrossEntropy(scale=8.0), [[4, 2], [0, 4]]),
        (MaxMembraneCrossEntropy(), [[1, 1], [0, 1]]),
        (MeanMembraneCrossEntropy(), [[0.5, 0.25], [0, 0.5]]),
        (FinalMembraneCrossEntropy(), [[0.5, 0.25], [0, 0.5]]),  # no sample is as long as the window
        (FinalMembraneCrossEntropy(window=3), [[2 / 3, 0], [0, 0.5]]),
        (FinalMembraneCrossEntropy(window=1), [[0, 0], [0, 0]]),
        (PerStepCrossEntropy(), [[0.5, 0.25], [0, 0.5]]),
        (FirstSpike(tau=2.0), [[-0.5, 0], [-1, 0]]),
        (RateMSE(), [[0.5, 0.25], [0, 0.5]]),
        (SpikeCountCrossEntropy(scale=5.0), [[10, 5], [0, 5]]),
        (FirstSpike(inverse="reciprocal", tau=2.0), [[1, 2], [2 / 3, 2]]),
        (FirstSpike(gradient="sign"), [[-1, 0], [-1, 0]]),
        (SpikeCountMSE(), [[2, 1], [0, 1]]),
        (MembraneMSE(), [[0.5, 0.25], [0, 0.5]]),
        (SpikeTimeMSE(), [[-1, 0], [-1, 0]]),
        (Peak(), [[1, 1], [0, 1]]),
        (SpikeSimilarity(), [[2, 1], [0, 1]]),
    ],
)
def test_scores(loss, scores):
    torch.testing.assert_close(loss.scores(OUT, LENGTH), torch.tensor(scores, dtype=torch.float32))


def test_cross_entropy_of_counts():
    a, b = math.log(1 + math.exp(1 - 2)), math.log(1 + math.exp(0 - 1))
    assert SpikeCountCrossEntropy()(OUT, TARGET, LENGTH).item() == pytest.approx((a + b) / 2)


def test_label_smoothing_spreads_the_target():
    scores = torch.tensor([[2.0, 1.0], [0.0, 1.0]]).log_softmax(1)
    wanted = torch.tensor([[0.9, 0.1], [0.1, 0.9]])  # e = 0.2 over two classes
    expected = -(wanted * scores).sum(1).mean().item()
    assert SpikeCountCrossEntropy(label_smoothing=0.2)(OUT, TARGET, LENGTH).item() == pytest.approx(expected)


def test_cross_entropy_of_every_step():
    right = [F.cross_entropy(OUT[t, b], TARGET[b]).item() for b, t in [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1)]]
    assert PerStepCrossEntropy()(OUT, TARGET, LENGTH).item() == pytest.approx(
        (sum(right[:4]) / 4 + sum(right[4:]) / 2) / 2
    )


def test_squared_error_of_rates():
    loss = RateMSE(correct_rate=0.7, incorrect_rate=0.1)
    expected = ((0.5 - 0.7) ** 2 + (0.25 - 0.1) ** 2 + (0 - 0.1) ** 2 + (0.5 - 0.7) ** 2) / 4
    assert loss(OUT, TARGET, LENGTH).item() == pytest.approx(expected)


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_what_is_padded_changes_neither_loss_nor_scores_nor_gradients(loss):
    torch.manual_seed(0)
    length, target = torch.tensor([5, 2, 3]), torch.tensor([0, 3, 1])
    target = target % classes(loss)
    out = torch.rand(5, 3, 4)
    results = []
    for padding in (0.0, 1.0, -50.0, float("nan"), float("inf")):
        x = out.clone()
        for b, n in enumerate(length):
            x[n:, b] = padding
        x.requires_grad_()
        value = loss(x, target, length)
        value.backward()
        results.append((value.detach(), loss.scores(x, length).detach(), x.grad))
    for value, scores, grad in results:
        torch.testing.assert_close(value, results[0][0], rtol=0, atol=0)
        torch.testing.assert_close(scores, results[0][1], rtol=0, atol=0)
        torch.testing.assert_close(grad, results[0][2], rtol=0, atol=0)
        assert not grad[2:, 1].any() and not grad[3:, 2].any()
    assert results[0][2][:, 0].any()


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_a_sample_does_not_depend_on_the_batch_that_it_is_padded_to(loss):
    torch.manual_seed(0)
    out, target = torch.rand(6, 1, 4), torch.tensor([2 if classes(loss) > 2 and not isinstance(loss, CTC) else 1])
    alone = loss.scores(out[:3], torch.tensor([3]))
    torch.testing.assert_close(loss.scores(out, torch.tensor([3])), alone)
    torch.testing.assert_close(loss(out, target, torch.tensor([3])), loss(out[:3], target, torch.tensor([3])))


def test_the_time_of_the_first_spike_and_its_gradient():
    # class 0 fires at 2 and 4, class 1 never, class 2 at 0; 6 steps, of which the sample has 5
    s = torch.zeros(6, 1, 3)
    s[2, 0, 0] = s[4, 0, 0] = s[0, 0, 2] = s[5, 0, 1] = 1
    s.requires_grad_()
    times = FirstSpike().first_times(s, torch.tensor([5]))
    assert times.tolist() == [[2, 5, 0]]
    times.sum().backward()
    assert s.grad[:, 0, 0].tolist() == [-2, -1, -2, 0, 0, 0]  # a spike at 2 holds until the next one, at 4
    assert s.grad[:, 0, 1].tolist() == [-5, -4, -3, -2, -1, 0]
    assert s.grad[:, 0, 2].tolist() == [-5, 0, 0, 0, 0, 0]


def test_the_first_spike_of_a_membrane_is_soft():
    v = torch.tensor([0.5, 0.5, 0.5])[:, None, None]  # at the threshold: a chance of one half
    times = FirstSpike(threshold=0.5).first_times(v, torch.tensor([3]))
    assert times.item() == pytest.approx(0.5 + 0.25 + 0.125)
    steep = FirstSpike(threshold=0.5, width=1e-3).first_times(
        torch.tensor([0.1, 0.4, 0.8])[:, None, None], torch.tensor([3])
    )
    assert steep.item() == pytest.approx(2.0, abs=1e-6)


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_half_precision_outputs_are_summed_in_float32(loss):
    out = torch.rand(300, 2, 3, generator=torch.Generator().manual_seed(0)).bfloat16()
    scores = loss.scores(out, torch.tensor([300, 150]))
    assert scores.dtype == torch.float32
    torch.testing.assert_close(scores, loss.scores(out.float(), torch.tensor([300, 150])))


@pytest.mark.parametrize(
    "make",
    [
        lambda: SpikeCountCrossEntropy(label_smoothing=1.5),
        lambda: RateCrossEntropy(scale=0.0),
        lambda: FirstSpike(tau=0.0),
        lambda: FirstSpike(width=-1.0),
        lambda: FirstSpike(gradient="exact"),
        lambda: SpikeCountMSE(scale=0.0),
        lambda: MembraneMSE(class_weights=[1.0, -1.0]),
        lambda: PerStepCrossEntropy(level_weight=2.0),
        lambda: Peak(window=0),
        lambda: SpikeSimilarity(kernel="polynomial"),
        lambda: SpikeSimilarity(parameter=0.0),
    ],
)
def test_values_out_of_range(make):
    with pytest.raises(UserError, match=r"range|choose from"):
        make()


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_wrong_targets_are_refused(loss):
    out, length = torch.rand(5, 3, 4), torch.tensor([5, 2, 3])
    last = classes(loss) - 1
    for target, problem in (
        ([0, last + 1, 1], f"target is class {last + 1}, there are {last + 1}\nrange          0 to {last}"),
        ([0, -1, 1], "target is class -1"),
        ([0, 1], r"target of shape \(2,\).*\nwanted         \(3,\)"),
        ([0.0, 1.0, 1.0], "target of shape"),
    ):
        with pytest.raises(UserError, match=f"{type(loss).__name__}: {problem}"):
            loss(out, torch.tensor(target), length)
    with pytest.raises(UserError, match=r"output of shape \(5, 3\)"):
        loss(out[..., 0], torch.tensor([0, 1, 1]), length)
    with pytest.raises(UserError, match=r"length of shape \(2,\)"):
        loss(out, torch.tensor([0, 1, 1]), length[:2])


def test_class_weights_are_factors_of_the_samples():
    plain, weighted = SpikeCountCrossEntropy(), SpikeCountCrossEntropy(class_weights=[3.0, 0.0])
    both = plain(OUT[:, :1], TARGET[:1], LENGTH[:1]) * 3 / 2
    torch.testing.assert_close(weighted(OUT, TARGET, LENGTH), both)
    with pytest.raises(UserError, match="2 class_weights, 3 outputs"):
        weighted(torch.rand(2, 1, 3), TARGET[:1], LENGTH[1:])


def test_a_population_is_read_through_its_votes():
    spikes = torch.randint(0, 2, (6, 2, 6), generator=torch.Generator().manual_seed(0)).float()
    pooled = torch.stack([Voting(2)(step) for step in spikes])
    counts = spikes.unflatten(2, (2, 3)).sum((0, 3))
    torch.testing.assert_close(SpikeCountCrossEntropy(scale=3.0).scores(pooled, torch.tensor([6, 6])), counts)


@pytest.mark.parametrize("path", sorted((CONFIGS / "loss").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_preset_is_the_class_with_its_defaults(path):
    with initialize_config_dir(str(CONFIGS), version_base=None):
        loss = build(compose("train", [f"loss={path.stem}"]).loss)
    settings = {k: v for k, v in vars(loss).items() if not k.startswith("_")}
    assert settings == {k: v for k, v in vars(type(loss)()).items() if not k.startswith("_")}
    assert loss(OUT, TARGET, LENGTH).isfinite()
