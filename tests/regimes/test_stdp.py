"""Learning by local rules from the command line: a readout by gradient or by votes, and a killed run goes on."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import lightning
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from snnctl.cli import main
from snnctl.datasets.batch import Batch
from snnctl.errors import UserError
from snnctl.losses import RateCrossEntropy
from snnctl.metrics.decoders import AllActivity, NGram, ProportionWeighting, SpikeLikelihood
from snnctl.networks import Network
from snnctl.neurons import LIF
from snnctl.plasticity import PairSTDP
from snnctl.regimes.stdp import STDP
from tests.callbacks.test_resume import run
from tests.networks.presets import data
from tests.runs import assert_same_run, snnctl

RULES = {"a": PairSTDP(synapses="fc", low=0.0, high=1.0)}


def network(bias: bool = False) -> Network:
    lif = partial(LIF, tau_mem=5e-3, threshold=0.5)
    layers = {"fc": partial(nn.Linear, out_features=9), "lif": lif, "vote": partial(nn.Linear, bias=bias)}
    return Network(layers, data((8,), 3))


def regime(net: Network | None = None, **options) -> STDP:
    return STDP(net or network(), RateCrossEntropy(), partial(torch.optim.SGD, lr=0.1), **{"rules": RULES, **options})


def test_layers_behind_the_plastic_ones_learn_by_a_gradient_and_no_others():
    made = regime()
    assert [n for n, p in made.network.named_parameters() if p.requires_grad] == ["layers.vote.weight"]
    assert made.configure_optimizers() is not None


def test_with_votes_nothing_has_a_gradient():
    made = regime(readout="vote", decoder=AllActivity())
    assert not any(p.requires_grad for p in made.parameters())
    assert made.configure_optimizers() is None
    assert not made.readout.weight.any()


@pytest.mark.parametrize("kind", [AllActivity, ProportionWeighting, SpikeLikelihood])
def test_votes_are_the_decoders_scores(kind):
    draw = torch.Generator().manual_seed(0)
    spikes, target = (torch.rand(20, 30, 9, generator=draw) < 0.2).float(), torch.arange(30) % 3
    length = torch.full((30,), 20)
    decoder = kind()
    decoder.start(3)
    decoder.add(spikes, target, length)
    decoder.finish()
    layer = nn.Linear(9, 3, bias=False)
    layer.weight.data.copy_(decoder.votes())
    torch.testing.assert_close(layer(spikes).sum(0), decoder.scores(spikes, length))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"readout": "votes", "decoder": AllActivity()}, "did you mean   vote"),
        ({"readout": "fc", "decoder": AllActivity()}, "cannot take votes"),
        ({"readout": "vote"}, "decoder that assigns labels"),
        ({"decoder": NGram()}, "needs neurons to assign labels to"),
        ({"apply": "later"}, "apply"),
        ({"backend": "gpu"}, "backend"),
        ({"plastic_epochs": 0}, "plastic_epochs = 0"),
        ({"plastic_epochs": 1.5}, "whole numbers"),
        ({"plastic_epochs": 1, "readout": "vote", "decoder": AllActivity()}, "nothing learns by a gradient"),
    ],
)
def test_what_does_not_fit_is_named(options, message):
    with pytest.raises(UserError, match=message):
        regime(**options)
    with pytest.raises(UserError, match="cannot take votes"):
        regime(network(bias=True), readout="vote", decoder=AllActivity())


SHORT = ["trainer.limit_test_batches=2", "dataset.batch_size=8"]
READOUT = ["digits_mlp", "regime=stdp", "+plasticity@regime.rules.first=pair", "regime.rules.first.low=-1",
           "regime.rules.first.synapses=hidden.0.linear", "network.hidden=[16]", "trainer.max_epochs=2",
           "trainer.limit_train_batches=4", "trainer.limit_val_batches=2"]  # fmt: skip


def test_check_names_plasticity_without_spikes(capsys):
    assert main(["check", *READOUT, "regime.rules.first.synapses=classes"]) == 2
    assert "no spiking neurons behind classes" in capsys.readouterr().err


def test_a_plastic_layer_with_a_trained_readout_trains(tmp_path: Path):
    run = tmp_path / "run"
    pictures = ["callbacks=[default,weight_pictures]", "callbacks.weight_pictures.parameters=hidden.0.linear.weight"]
    assert main(["train", *READOUT, *SHORT, *pictures, f"hydra.run.dir={run}"]) == 0
    rows = (run / "metrics.csv").read_text()
    assert "train/outside" in rows
    assert "val/acc" in rows
    assert (run / "weights" / "hidden.0.linear.weight_002.png").exists()  # receptive fields of the plastic layer


class Weights(lightning.Callback):
    """What both layers weighed at the beginning and after each epoch."""

    def __init__(self, net: Network):
        self.net, self.seen = net, []

    def on_train_start(self, *_) -> None:
        self.seen.append({name: self.net.layers[name].weight.detach().clone() for name in ("fc", "vote")})

    def on_train_epoch_end(self, *_) -> None:
        self.on_train_start()


@pytest.mark.parametrize(
    ("epochs", "moved"),
    [(1, [{"fc"}, {"vote"}, {"vote"}]), (2, [{"fc"}, {"fc"}, {"vote"}]), (None, 3 * [{"fc", "vote"}])],
)
def test_rules_act_in_the_first_epochs_and_the_gradient_in_the_others(tmp_path, epochs, moved):
    torch.manual_seed(0)
    net = network()
    made = regime(net, plastic_epochs=epochs, rules={"a": PairSTDP(synapses="fc", low=None, high=None)})
    x = (torch.rand(20, 4, 8, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    batch = Batch(x, torch.tensor([0, 1, 2, 0]), torch.full((4,), 20), torch.arange(4))
    watch = Weights(net)
    trainer = lightning.Trainer(max_epochs=3, accelerator="cpu", callbacks=[watch], logger=False,
                                enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
                                default_root_dir=tmp_path)  # fmt: skip
    trainer.fit(made, DataLoader([batch], batch_size=None))
    pairs = zip(watch.seen, watch.seen[1:], strict=False)
    assert [{n for n in before if not torch.equal(before[n], after[n])} for before, after in pairs] == moved


PLASTIC = ["regime=stdp", "+plasticity@regime.rules.first=pair", "regime.rules.first.synapses=hidden.0.linear",
           "trainer.max_epochs=2", "trainer.limit_train_batches=6", "callbacks.checkpoint.every_minutes=0"]  # fmt: skip
VOTES = ["network.layers.readout=null", "+network.layers.classes.bias=false", "regime.readout=classes",
         "decoder=all_activity", "network.layers.drop=null"]  # fmt: skip


@pytest.mark.parametrize("more", [[], VOTES], ids=["gradient", "votes"])
def test_a_killed_run_goes_on_to_the_same_bits(tmp_path: Path, more: list[str]):
    recipe = tmp_path / "small.yaml"
    recipe.write_text("# small\ndefaults:\n  - train\n  - _self_\n")
    run(tmp_path / "whole", [*PLASTIC, *more], recipe)
    for resuming, kill_at in ((False, 4), (True, 9), (True, None)):
        run(tmp_path / "killed", [*PLASTIC, *more], recipe, kill_at, resuming)
    assert_same_run(tmp_path / "whole", tmp_path / "killed")
    before = torch.load(tmp_path / "whole/checkpoints/last.ckpt", weights_only=True)["state_dict"]
    assert before["network.layers.hidden.layers.0.layers.linear.weight"].abs().sum() > 0


@pytest.mark.slow
@pytest.mark.parametrize("decoder", ["proportion_weighting", "spike_likelihood", "ngram"])
def test_competing_neurons_are_assigned_labels(tmp_path: Path, decoder: str):
    own = [f"decoder={decoder}", "network.neurons=20", "dataset.steps=60", "dataset.duration=0.06"]
    snnctl("train", "digits_diehl_cook", *SHORT, *own, "trainer.limit_train_batches=6", cwd=tmp_path)
    (run,) = tmp_path.glob("runs/digits_diehl_cook/*")
    assert "test/acc" in (run / "metrics.csv").read_text() or (run / "results.json").exists()
    assert "accuracy" in snnctl("eval", str(run), "trainer.limit_test_batches=2", cwd=tmp_path).stdout
