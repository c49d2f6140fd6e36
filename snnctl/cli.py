"""The command line: finds the verb, runs it, and turns errors into one message and an exit code."""

from __future__ import annotations

import os
import sys

from snnctl.errors import UserError, did_you_mean
from snnctl.streams import steady

VERBS = {
    "train": "train a recipe; k=v changes anything; -m sweeps; --resume RUN goes on",
    "eval": "measure a run or checkpoint on its test split",
    "convert": "make a trained ANN spiking: a new run that eval takes",
    "check": "find every mistake in a recipe without data; layers, memory",
    "deploy": "map a run or NIR file on a chip; build, simulate, compare, flash",
    "ls": "what there is: datasets, neurons, networks, recipes, ...",
    "show": "a recipe or an option as YAML, each key explained",
    "cp": "make a recipe your own",
    "data": "get, info, preview, clear",
    "runs": "list runs; diff A B; rm RUN",
    "report": "compare runs: accuracy, rates, operations",
    "bench": "time and memory, beside floors and other frameworks",
    "doctor": "versions, devices, a self-test",
    "completion": "completion for bash, zsh or fish",
}

CHEAT_SHEET = """\
snnctl: train, evaluate and deploy spiking neural networks on event data

  snnctl train                                   the default recipe, on data that comes with it
  snnctl eval last record=[spikes,v]             measure the newest run, with rasters and traces

  snnctl ls recipes                              what there is
  snnctl show nmnist_conv                        what it sets, each key explained
  snnctl cp nmnist_conv ./mine.yaml              make it yours
  snnctl check ./mine.yaml                       every mistake at once, layers, memory; reads no data
  snnctl train ./mine.yaml optimizer.lr=1e-3 neuron=alif
  snnctl train ./mine.yaml optimizer.lr=1e-3,3e-3 seed=1,2,3 -m
  snnctl train --resume last

<<<<<<< HEAD
  snnctl convert last convert.T=16               a trained ANN (regime=ann) made spiking, accuracy against T

=======
  snnctl deploy last target=nir                  a file for other frameworks, or for a chip: snnctl ls targets
>>>>>>> main
  snnctl runs                                    date, recipe, accuracy, state
  snnctl report RUN RUN ...                      one table
  snnctl bench lif conv                          how fast, beside the least work there is
  snnctl doctor                                  is everything in place?

verbs: {verbs}
snnctl VERB --help says more; --debug shows tracebacks."""


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments after `snnctl`; those of the process if None.

    Returns:
        The exit code: 0 done, 1 the run failed, 2 wrong input, 3 no device, 130 stopped by Ctrl-C.
    """
    # Spinning OpenMP threads make a step 27 times slower when anybody else uses a core; sleeping ones cost little.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Large pages for torch's large tensors: fresh small ones cost more than what is computed in them.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    if "SNNCTL_PARENT" in os.environ:
        from snnctl.config.processes import die_with_parent

        die_with_parent()
    before = sys.argv
    if argv is not None:
        sys.argv = [before[0] if before else "snnctl", *argv]
    args = sys.argv[1:]
    debug = "--debug" in args
    try:
        with steady():
            return _guarded([a for a in args if a != "--debug"], debug)
    finally:
        sys.argv = before
        if "snnctl.config.allowed" in sys.modules:  # one command's permissions are not the next one's
            sys.modules["snnctl.config.allowed"].forget()


def _guarded(args: list[str], debug: bool) -> int:
    """Run a command; what it raises becomes a message and an exit code."""
    try:
        code = _run(args)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("snnctl: stopped", file=sys.stderr)
        return 130
    except UserError as error:
        if debug:
            raise
        _say(error.problem, error.hint)
        return error.exit_code
    except Exception as error:
        if debug:
            raise
        first = (str(error).strip() or repr(error)).splitlines()[0]
        _say(f"{type(error).__name__}: {first}", "run again with --debug for the traceback")
        return 1


def _run(args: list[str]) -> int:
    if not args or args[0] in ("-h", "--help", "help"):
        if args[1:] and args[1] in VERBS:
            return _verb(args[1], ["--help"])
        print(CHEAT_SHEET.format(verbs=" ".join(VERBS)))
        return 0
    if args[0] in ("--version", "-V", "version"):
        from importlib.metadata import PackageNotFoundError, version

        try:
            print("snnctl", version("snnctl"))
        except PackageNotFoundError:
            print("snnctl (not installed)")
        return 0
    verb = args[0]
    if verb not in VERBS:
        raise UserError(f"unknown verb  {verb}", f"{did_you_mean(verb, VERBS)}\nsee            snnctl --help")
    return _verb(verb, args[1:])


def _verb(verb: str, args: list[str]) -> int:
    import importlib

    module = importlib.import_module(f"snnctl.commands.{verb}")
    if "-h" in args or "--help" in args:
        print(module.__doc__.strip())
        return 0
    args, packages = _take_allow(args)
    if packages:
        from snnctl.config.allowed import allow

        allow(*packages)
    return module.run(args) or 0


def _take_allow(args: list[str]) -> tuple[list[str], list[str]]:
    """Split `--allow PACKAGE` and `--allow=PACKAGE` off, wherever they stand."""
    kept, packages = [], []
    rest = iter(args)
    for arg in rest:
        if arg == "--allow":
            package = next(rest, None)
            if package is None:
                raise UserError("--allow takes the name of a package", "for example   --allow mymodels")
            packages.append(package)
        elif arg.startswith("--allow="):
            packages.append(arg.removeprefix("--allow="))
        else:
            kept.append(arg)
    return kept, packages


def _say(problem: str, hint: str) -> None:
    print(f"snnctl: {problem}", file=sys.stderr)
    for line in hint.splitlines():
        print(f"  {line}", file=sys.stderr)
