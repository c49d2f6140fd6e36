from __future__ import annotations

import pytest

from snnctl.commands.ls import counts, plural
from snnctl.config.folders import configs, names, options, recipes


def test_ls_counts_what_the_folders_hold(snnctl):
    code, out, _ = snnctl("ls")
    assert code == 0
    found = {line.split()[0]: int(line.split()[1]) for line in out.splitlines()}
    assert found == counts()
    assert found["recipes"] == len(names(recipes()))
    assert found["optimizers"] == len(options("optimizer"))


def test_ls_a_noun(snnctl):
    code, out, _ = snnctl("ls", "neurons")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert code == 0
    assert "alif" in lines and "lif/norse" in lines
    assert "base" not in lines  # what neurons have in common is no neuron
    first = (configs() / "neuron" / "alif.yaml").read_text().splitlines()[0].removeprefix("# ")
    assert first in lines["alif"]
    assert snnctl("ls", "neuron")[1] == out


def test_ls_recipes_and_unsupported_sets(snnctl):
    assert "digits_conv" in snnctl("ls", "recipes")[1]
    assert any("unsupported" in line for line in snnctl("ls", "datasets")[1].splitlines())


def test_ls_what_is_not_there(snnctl):
    code, _, err = snnctl("ls", "nuerons")
    assert code == 2 and "neurons" in err
    assert snnctl("ls", "a", "b")[0] == 2


def test_plural():
    assert [plural(g) for g in ("neuron", "loss", "callbacks")] == ["neurons", "losses", "callbacks"]


def test_show_an_option_is_its_file_with_the_command_that_uses_it(snnctl):
    text = (configs() / "optimizer" / "sgd.yaml").read_text().rstrip()
    code, out, _ = snnctl("show", "optimizer/sgd")
    assert code == 0
    assert out == f"{text}\n\n# use it   snnctl train optimizer=sgd\n"
    assert snnctl("show", "sgd")[1] == out


def test_show_a_recipe(snnctl):
    code, out, _ = snnctl("show", "digits_mlp", "optimizer.lr=0.125")
    assert code == 0
    assert out.splitlines()[0] == (recipes() / "digits_mlp.yaml").read_text().splitlines()[0]
    assert "lr: 0.125 " in out and "hydra:" not in out


def test_show_train_is_the_root_itself(snnctl):
    assert snnctl("show", "train")[1].rstrip() == (configs() / "train.yaml").read_text().rstrip()


@pytest.mark.parametrize(
    ("name", "right"), [("digits_cnov", "digits_conv"), ("neuron/alff", "neuron/alif"), ("./no.yaml", "snnctl cp")]
)
def test_show_what_is_not_there(snnctl, name, right):
    code, out, err = snnctl("show", name)
    assert code == 2 and out == "" and right in err


def test_show_a_recipe_with_mistakes(snnctl, tmp_path):
    (tmp_path / "bad.yaml").write_text("# bad\ndefaults:\n  - train\n  - override neuron: alff\n  - _self_\n")
    code, _, err = snnctl("show", "./bad.yaml")
    assert code == 2 and "neuron: alff" in err and "alif" in err
    assert snnctl("show")[0] == 2


def test_cp_makes_a_recipe_that_works_where_it_lies(snnctl, tmp_path):
    code, out, _ = snnctl("cp", "digits_mlp", "mine")
    assert code == 0 and "snnctl train ./mine.yaml" in out
    assert (tmp_path / "mine.yaml").read_text() == (recipes() / "digits_mlp.yaml").read_text()
    assert snnctl("show", "./mine.yaml")[1] == snnctl("show", "digits_mlp")[1]


def test_cp_overwrites_nothing_unasked(snnctl, tmp_path):
    (tmp_path / "mine.yaml").write_text("precious")
    code, _, err = snnctl("cp", "digits_mlp", "mine.yaml")
    assert code == 2 and "--force" in err
    assert (tmp_path / "mine.yaml").read_text() == "precious"
    assert snnctl("cp", "digits_mlp", "mine.yaml", "--force")[0] == 0
    assert (tmp_path / "mine.yaml").read_text() != "precious"


def test_cp_to_a_folder_and_to_bad_names(snnctl, tmp_path):
    assert snnctl("cp", "digits_mlp", ".")[0] == 0
    assert (tmp_path / "digits_mlp.yaml").exists()
    assert snnctl("cp", "digits_mlp", "new/folder/")[0] == 0
    assert (tmp_path / "new/folder/digits_mlp.yaml").exists()
    for args in (["digits_mlp"], ["digits_mpl", "x.yaml"], ["digits_mlp", "train.yaml"], ["digits_mlp", "x.json"]):
        assert snnctl("cp", *args)[0] == 2
