"""Finding the verb, and turning errors into a message and an exit code."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from snnctl import cli
from snnctl.errors import NoDevice, RunFailed, UserError


@pytest.fixture
def verb(monkeypatch):
    """Put a function in place of `snnctl ls`."""

    def put(run):
        monkeypatch.setitem(sys.modules, "snnctl.commands.ls", SimpleNamespace(run=run, __doc__="Help of ls."))

    return put


def test_without_arguments_a_sheet_of_real_commands(snnctl):
    code, out, err = snnctl()
    assert code == 0 and err == ""
    lines = [line.split() for line in out.splitlines() if line.startswith("  snnctl ")]
    assert len(lines) >= 10
    assert all(words[1] in cli.VERBS for words in lines)
    assert snnctl("--help")[1] == snnctl("-h")[1] == out


def test_version(snnctl):
    import snnctl as package

    assert package.__version__ in snnctl("--version")[1]


@pytest.mark.parametrize("name", list(cli.VERBS))
def test_help_of_each_verb_ends_in_commands_and_names_the_next(snnctl, name):
    code, out, err = snnctl(name, "--help")
    assert code == 0 and err == ""
    assert f"snnctl {name}" in out
    assert out.rstrip().splitlines()[-1].startswith("Next: snnctl ")
    assert snnctl("help", name)[1] == out


def test_unknown_verb(snnctl):
    code, out, err = snnctl("trian")
    assert code == 2 and out == ""
    assert err.splitlines()[0] == "snnctl: unknown verb  trian"
    assert "did you mean   train" in err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserError("wrong", "do this\nor that"), 2),
        (RunFailed("failed", "do this\nor that"), 1),
        (NoDevice("none", "do this\nor that"), 3),
        (ZeroDivisionError("by zero"), 1),
    ],
)
def test_errors_are_one_message_and_an_exit_code(snnctl, verb, error, code):
    def run(args):
        raise error

    verb(run)
    found, out, err = snnctl("ls")
    assert found == code and out == ""
    assert "Traceback" not in err
    lines = err.splitlines()
    assert lines[0].startswith("snnctl: ")
    if isinstance(error, UserError):
        assert lines == [f"snnctl: {error.problem}", "  do this", "  or that"]
    else:
        assert lines == ["snnctl: ZeroDivisionError: by zero", "  run again with --debug for the traceback"]


def test_debug_lets_the_exception_through(snnctl, verb):
    def run(args):
        assert args == ["x"]
        raise UserError("wrong")

    verb(run)
    with pytest.raises(UserError):
        cli.main(["ls", "x", "--debug"])


def test_ctrl_c(snnctl, verb):
    def run(args):
        raise KeyboardInterrupt

    verb(run)
    code, _, err = snnctl("ls")
    assert code == 130 and "Traceback" not in err


def test_allow_is_taken_off_and_goes_no_further_than_the_command(snnctl, verb):
    from snnctl.config.allowed import allowed_packages

    seen = []
    verb(lambda args: seen.append((args, allowed_packages())) or 0)
    snnctl("ls", "--allow", "mine", "a=1", "--allow=other")
    assert seen == [(["a=1"], ["mine", "other"])]
    assert allowed_packages() == []
    assert snnctl("ls", "--allow")[0] == 2
    assert snnctl("ls", "--allow", "../x")[0] == 2


def test_argv_is_that_of_the_command_while_it_runs(verb):
    before = list(sys.argv)
    seen = []
    verb(lambda args: seen.append(list(sys.argv)))
    cli.main(["ls", "x", "--debug"])
    assert seen[0][1:] == ["ls", "x", "--debug"]
    assert sys.argv == before
