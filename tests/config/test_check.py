"""Every mistake is found before anything runs, all at once, each with the nearest right name."""

from __future__ import annotations

import re

import pytest

from snnctl.config import compose, override
from snnctl.config.check import check
from snnctl.config.folders import locate
from snnctl.config.hydra_part import extra
from snnctl.errors import UserError
from tests.config.told import text


def test_one_mistake_reads_as_in_the_style_guide(recipe):
    with pytest.raises(UserError) as caught:
        compose(recipe(""), ["network.chanels=[8]"])
    assert caught.value.problem == "unknown key  network.chanels"
    first, second = caught.value.hint.splitlines()
    assert re.match(r"did you mean       network\.channels   \(\[16, 32\], \w+", first)
    assert second == "see                snnctl show network/conv"


def test_all_mistakes_at_once(recipe):
    body = "trainer: {max_epochz: 3}\nneuron: {tau_mem: 20ms}\nlos: {weight: 1}"
    path = recipe(body, "override network: cnov", "override nueron: alif")
    found = text(
        path,
        "seed=abc",
        "optimizer.lrr=1e-3",
        "trainer.max_epochs=ten",
        "datset=nmnist",
        "neuron=alff",
        "trainer.precision=33",
        "+optimizer.foo=1",
        "lr",
    )
    assert found.startswith("13 mistakes")
    for wrong, right in (
        ("network: cnov", "conv"),
        ("nueron", "neuron"),
        ("trainer.max_epochz", "trainer.max_epochs"),
        ("neuron.tau_mem=20ms", "neuron.tau_mem=20e-3"),
        ("los", "loss"),
        ("seed=abc", "a whole number"),
        ("optimizer.lrr", "optimizer.lr "),
        ("trainer.max_epochs=ten", "a whole number"),
        ("datset", "dataset"),
        ("neuron=alff", "alif"),
        ("trainer.precision=33", "bf16-mixed"),
        ("optimizer.foo", "weight_decay"),
        ("lr", "optimizer.lr=1e-3"),
    ):
        assert re.search(rf"\w  +{re.escape(wrong)}", found), wrong
        assert right in found.partition(wrong)[2], right
    assert str(path) in found


def test_trainer_arguments_pass_through_whether_listed_or_not(recipe):
    checked = check(
        locate(recipe()),
        ["trainer.accumulate_grad_batches=3", "trainer.limit_train_batches=0.5", "trainer.strategy=ddp"],
    )
    assert checked.overrides == [
        "trainer.accumulate_grad_batches=3",
        "++trainer.limit_train_batches=0.5",
        "++trainer.strategy=ddp",
    ]
    assert checked.cfg.trainer.limit_train_batches == 0.5
    assert compose(recipe("trainer: {strategy: ddp, devices: 2}")).trainer.devices == 2
    assert "trainer.accumulate_grad_batches" in text(recipe(), "trainer.acumulate_grad_batches=2")


def test_a_key_known_elsewhere_is_found_there(recipe):
    assert "optimizer.lr   (" in text(recipe(), "lr=1e-3")
    assert "trainer.max_epochs   (" in text(recipe(), "epochs=3")
    assert "neuron.tau_mem   (" in text(recipe(), "optimizer.tau_mem=3")
    assert "snnctl train --resume RUN" in text(recipe(), "ckpt_path=last")  # Lightning's word


def test_the_description_shows_the_value_of_the_files_not_the_one_given(recipe):
    assert "0.002, learning rate" in text(recipe(), "optimizer.lr=3", "optimizer.lrr=3")


def test_a_wrong_value_is_said_to_be_where_it_is(recipe):
    path = recipe("trainer: {max_epochs: lots}\nneuron: {tau_mem: 30e-3}")
    found = text(path, "neuron.tau_mem=20ms")
    of_file, of_line = found.partition("trainer.max_epochs=")[2], found.partition("neuron.tau_mem=")[2]
    assert "(10, passes" in of_file  # the default, not the mistake itself
    assert str(path) not in of_line.partition("trainer.max_epochs=")[0] and "0.03, membrane" in of_line


def test_another_set_brings_its_own_time_steps(recipe, capsys):
    path = recipe("dataset: {steps: 6}")
    cfg = compose(path, ["dataset=folder"])
    assert cfg.dataset.dt == 0.01 and cfg.dataset.get("steps") is None
    assert "dataset=folder does not take the recipe's dataset.steps: left out" in capsys.readouterr().err
    assert compose(path, ["dataset=nmnist"]).dataset.steps == 6  # which goes by steps too
    assert compose(path, ["dataset=folder", "dataset.steps=9"]).dataset.steps == 9
    assert compose(recipe("dataset: {steps: 6, dt: null}"), ["dataset=folder"]).dataset.steps == 6
    assert capsys.readouterr().err == ""


def test_groups(recipe):
    cfg = compose(recipe(), ["neuron=alif", "surrogate@neuron.surrogate=fast_sigmoid", "neuron.surrogate.slope=5"])
    assert cfg.neuron.surrogate.slope == 5 and cfg.neuron.beta > 0
    assert "neuron.surrogate.alpha" in text(
        recipe(), "surrogate@neuron.surrogate=fast_sigmoid", "neuron.surrogate.alpha=5"
    )
    assert "surrogate" in text(recipe(), "surogate@neuron.surrogate=atan")
    assert "~scheduler" in text(recipe(), "scheduler=null")
    assert "+augment@dataset.augment.shift=shift" in text(recipe(), "augment=shift")
    assert "scheduler" not in compose(recipe(), ["~scheduler"])
    cfg = compose(recipe(), ["+augment@dataset.augment.shift=shift"])
    assert cfg.dataset.augment.shift.pixels > 0


def test_keys_inside_a_link(recipe):
    found = text(recipe(), "network.layers.features.layers.neuron.threshold=2")
    assert "${neuron}" in found and "set neuron.threshold" in found


def test_add_and_delete(recipe):
    words = ["+hidden=3", "network.channels=['${hidden}']", "~optimizer.weight_decay"]
    assert list(compose(recipe(), words).network.channels) == [3]
    assert "already there" in text(recipe(), "+seed=3")
    assert "optimizer.lr" in text(recipe(), "~optimizer.lrr")


def test_what_nothing_reads_is_refused_with_a_plus_too(recipe):
    assert "optimizer.lr " in text(recipe(), "+optimzer.lr=3")
    for word in ("+foo.bar=3", "+foo=3", "++foo=3"):
        assert "unknown key" in text(recipe(), word)
    assert "+regularizer@regime.regularizers." in text(recipe(), "+regularizer=firing_rate")
    with pytest.raises(UserError, match=r"unknown key  foo\.bar"):
        override(compose(recipe()), ["+foo.bar=3"])


def test_null_is_no_seed_and_no_objective(recipe):
    found = text(recipe(), "seed=null", "objective=null")
    assert "a whole number" in found and "takes" in found and "objective=null" in found
    assert compose(recipe(), ["trainer.gradient_clip_val=null"]).trainer.gradient_clip_val is None


def test_a_layer_that_is_null_and_a_network_of_ones_own(recipe):
    assert compose(recipe("network: {layers: {features: null}}")).network.layers.features is None
    layers = "network: {layers: {flatten: {_target_: torch.nn.Flatten}, fc: {_target_: torch.nn.Linear}}}"
    assert list(compose(recipe(layers, "override network: own")).network.layers) == ["flatten", "fc"]


def test_a_default_is_described_without_its_link(recipe):
    found = text(recipe(), "neuron.backend=cpuu")
    assert "(auto, " in found and "oc.select" not in found


def test_kinds_in_a_recipe_file(recipe):
    path = recipe("seed: one\ndataset: {batch_size: 3.5}\neval_after: perhaps")
    found = text(path)
    for part in ("seed=one", "dataset.batch_size=3.5", "eval_after=perhaps", "true or false", str(path)):
        assert part in found


def test_a_class_argument_that_does_not_exist(recipe):
    found = text(recipe("loss: {_target_: torch.nn.NLLLoss, reductoin: mean}"))
    assert "loss.reductoin" in found and "loss.reduction" in found and "torch.nn.NLLLoss" in found
    body = "callbacks: {stop: {_target_: lightning.pytorch.callbacks.EarlyStopping, patience: 3}}"
    assert "callbacks.stop.monitor" in text(recipe(body))  # needed and not given


def test_a_regime_takes_no_key_that_it_does_not_know(recipe):
    for option in ("bptt", "eprop", "stdp", "ppo"):  # their classes hand on to a base what they do not name
        assert "unknown key  regime.clip_weihgts" in text(
            recipe("", f"override regime: {option}"), "regime.clip_weihgts=1"
        )
    assert "regime.truncate " in text(recipe(""), "regime.truncat=5")


def test_a_target_that_is_not_allowed_or_not_there(recipe):
    found = text(recipe("callbacks: {evil: {_target_: os.system, command: 'echo boo'}}"))
    assert "callbacks.evil._target_: os.system" in found and "--allow os" in found
    assert "torch.os.system" in text(recipe("loss: {_target_: torch.os.system}"))
    assert "torch.nn.Lineer" in text(recipe("loss: {_target_: torch.nn.Lineer}"))
    assert "os.system" in text(recipe("a: os\nloss: {_target_: '${a}.system'}"))  # put together from pieces


def test_keys_of_a_replaced_target_go_with_it(recipe):
    checked = check(locate(recipe("loss: {_target_: torch.nn.NLLLoss, reduction: sum}")), [])
    assert dict(checked.cfg.loss) == {"_target_": "torch.nn.NLLLoss", "reduction": "sum"}
    assert [o for o in checked.overrides if o.startswith("~")] == ["~loss.label_smoothing", "~loss.class_weights"]
    body = "network: {layers: {readout: {_target_: torch.nn.Dropout, p: 0.1}}}"  # stands in for ${network.readout}
    checked = check(locate(recipe(body)), ["optimizer._target_=torch.optim.SGD", "optimizer.momentum=0.5"])
    assert set(checked.cfg.network.layers.readout) == {"_target_", "_partial_", "p"}
    assert "~network.layers.readout.tau_mem" in checked.overrides
    assert checked.cfg.optimizer.momentum == 0.5 and checked.cfg.optimizer.lr > 0
    found = text(recipe("optimizer: {_target_: torch.optim.SGD, betas: [0.9, 0.99]}"))
    assert "optimizer.betas" in found  # its own mistake is not passed over


def test_what_hydra_would_run(recipe):
    for body in (
        "hydra: {callbacks: {x: {_target_: os.system}}}",
        "hydra: {sweeper: {_target_: os.system}}",
        "hydra: {job_logging: {handlers: {x: {(): os.system, command: id}}}}",
        "hydra: {launcher: {setup: ['rm -rf /']}}",
        "hydra: {searchpath: ['pkg://evil']}",
        "hydra: {job: {env_set: {PYTHONPATH: /tmp/evil}}}",
    ):
        assert "not allowed" in text(recipe(body)), body
    assert compose(recipe("hydra: {sweep: {dir: elsewhere}}")).seed == 1


def test_a_callback_that_names_no_class(recipe):
    found = text(
        recipe(""), "+callbacks@callbacks.recordings=recordings", "+callbacks.mine={a: 1}", "callbacks.lr=null"
    )
    assert re.search(r"missing key  callbacks.recordings._target_\n +instead +callbacks=recordings\n", found)
    assert "missing key  callbacks.mine._target_" in found and "callbacks.lr" not in found


def test_missing_values_and_broken_links(recipe):
    stop = "callbacks: {stop: {_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: '???'}}"
    found = text(recipe(stop + "\nnetwork: {kernel_size: '${netwrk.size}'}"))
    assert found.startswith("2 mistakes")
    assert "missing value" in found and "callbacks.stop.monitor=..." in found
    assert "broken link" in found and "network.kernel_size: ${netwrk.size}" in found


def test_own_names_are_fine_where_a_link_reads_them(recipe):
    cfg = compose(recipe("width: 64\nnetwork: {channels: ['${width}', '${network.more}'], more: 8}"))
    assert list(cfg.network.channels) == [64, 8]
    assert "widht" in text(recipe("widht: 64"))
    assert "network.mroe" in text(recipe("network: {mroe: 8}"))


def test_new_layers_and_callbacks(recipe):
    body = (
        "network: {layers: {extra: {_target_: torch.nn.Dropout, p: 0.1}}}\n"
        "callbacks: {stop: {_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: val/acc}}"
    )
    assert compose(recipe(body)).network.layers.extra.p == 0.1
    assert "callbacks.stop.patiense" in text(
        recipe(
            "callbacks: {stop: {_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: val/acc, patiense: 3}}"
        )
    )


def test_sweeps(recipe):
    assert "add -m" in text(recipe(), "optimizer.lr=1e-3,1e-2")
    checked = check(locate(recipe()), ["optimizer.lr=1e-3,1e-2", "seed=range(1,4)", "network=mlp,conv"], multirun=True)
    assert checked.cfg.optimizer.lr == 1e-3
    found = text(recipe(), "seed=1,two", "network=mlp,cnov", "optimizer.lr=interval(a,b)", multirun=True)
    for part in ("seed=two", "network=cnov", "optimizer.lr"):
        assert part in found
    assert "network.hidden" in text(recipe(), "network=mlp,conv", "network.hidden=[8]", multirun=True)
    swept = recipe("hydra: {sweeper: {params: {optimizer.lrr: '1,2'}}}")
    assert "optimizer.lrr" in text(swept, multirun=True)


def test_an_extra_is_named_only_where_it_is_missing():
    assert extra("ray", ["basic", "joblib"]) == ("perhaps", "pip install 'snnctl[ray]'")
    assert extra("submitit", ["basic", "submitit_local"]) == extra("slurm", ["basic"]) == ("perhaps", "")


def test_hydra_keys(recipe):
    assert "hydra.sweep" in text(recipe(), "hydra.sweeep.dir=x")
    assert "hydra/sweeper=optnua" in text(recipe(), "hydra/sweeper=optnua")
    assert "pip install" not in text(recipe(), "hydra/sweeper=optnua")
    assert "pip install" not in text(recipe("", "override hydra/launcher: slrum"))
    assert "hydra/launcher: slrum" in text(recipe("", "override hydra/launcher: slrum"))
    assert check(locate(recipe()), ["hydra.run.dir=here", "hydra.job.env_set.A=b"]).cfg.seed == 1
    assert "hydra" not in check(locate(recipe()), ["hydra.run.dir=here"]).cfg


def test_a_run_with_changes(recipe):
    cfg = compose(recipe())
    changed = override(cfg, ["optimizer.lr=0.5", "dataset=nmnist", "trainer.limit_test_batches=2"])
    assert changed.optimizer.lr == 0.5 and changed.dataset.source.tonic == "NMNIST"
    assert changed.trainer.limit_test_batches == 2 and cfg.optimizer.lr != 0.5
    with pytest.raises(UserError, match="2 mistakes"):
        override(cfg, ["optimizer.lrr=0.5", "seed=x"])


def test_another_regime_leaves_behind_the_rules_that_the_recipe_chose_for_its_own(capsys):
    cfg = compose("digits_diehl_cook", ["regime=bptt"])
    assert "rules" not in cfg.regime and cfg.regime.truncate is None
    assert "regime=bptt does not take the recipe's regime.keep, regime.readout, regime.rules" in capsys.readouterr().err
    chosen = text("digits_diehl_cook", "regime=bptt", "+plasticity@regime.rules.other=pair")
    assert "unknown key  regime.rules" in chosen
    assert "unknown key  regime.rules" in text("digits_diehl_cook", "regime=bptt", "regime.rules.input.eta_plus=0.1")
