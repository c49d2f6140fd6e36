"""`snnctl show surrogate/NAME` draws its gradient."""

from __future__ import annotations

import pytest
import yaml

from snnctl.cli import main
from snnctl.config.folders import configs


def shown(capsys, *args: str) -> tuple[int, str, str]:
    code = main(["show", *args])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_surrogate_is_its_yaml_and_its_gradient(capsys):
    code, out, _ = shown(capsys, "surrogate/norse/tanh")
    text = (configs() / "surrogate" / "norse" / "tanh.yaml").read_text()
    assert code == 0 and out.startswith(text)
    assert "ds/dx" in out and "-0.05" in out and "x = v - threshold" in out
    assert "snnctl train surrogate@neuron.surrogate=norse/tanh" in out
    assert yaml.safe_load(out) == yaml.safe_load(text), "the drawing is a comment"


@pytest.mark.parametrize("flag", [["--plot", "atan.png"], ["--plot=atan.png"]], ids=len)
@pytest.mark.parametrize("name", ["surrogate/atan", "atan"])
def test_a_surrogate_is_drawn_to_a_file(capsys, tmp_path, monkeypatch, name, flag):
    monkeypatch.chdir(tmp_path)
    code, out, _ = shown(capsys, name, *flag)
    assert code == 0 and out.splitlines()[-1] == "# drawn    atan.png"
    assert (tmp_path / "atan.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("args, said", [
    (["surrogate/atan", "--plot"], "--plot takes one file"),
    (["--plot", "a.png"], "--plot takes one file"),
    (["surrogate/atan", "--plot", "a.png", "--plot", "b.png"], "--plot takes one file"),
    (["optimizer/sgd", "--plot", "a.png"], "--plot draws surrogates; optimizer/sgd is none"),
    (["digits_mlp", "--plot", "a.png"], "--plot draws surrogates; digits_mlp is none"),
    (["surrogate/atan", "--plot", "a.jpg"], "cannot draw a.jpg"),
])  # fmt: skip
def test_what_cannot_be_drawn_is_told(capsys, tmp_path, monkeypatch, args, said):
    monkeypatch.chdir(tmp_path)
    code, out, err = shown(capsys, *args)
    assert code == 2 and said in err and out == "" and not list(tmp_path.iterdir())
