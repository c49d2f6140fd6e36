"""Put a trained network, or a NIR graph, on a chip: map, check, quantise, build, simulate, compare, flash.

    snnctl deploy last target=xylo/a3                  all stages up to the comparison; no device is needed
    snnctl deploy RUN target=mcu samples=200           compare on 200 test samples instead of all
    snnctl deploy RUN target=speck/2f --dry-run        where everything would go, and whether it fits; builds nothing
    snnctl deploy RUN target=xylo/a3 beside=RUN2       hold a run trained with regime.quantize against one that was not
    snnctl deploy RUN target=mcu --emulate             run the artefact that is there, label the result "emulated"
    snnctl deploy RUN target=mcu --flash               and put it on the device; exit 3 where there is none
    snnctl deploy model.nir target=loihi2 dataset=nmnist dataset.root=/data     a graph from elsewhere
    snnctl deploy model.nir target=mcu nir.dt=1e-3 nir.reset=subtract    conventions that the file leaves open
    snnctl deploy RUN target=nir                       export NIR, read it back, compare the traces

What it builds lies in RUN/deploy/TARGET: artefact/ with manifest.json, report.json, report.html.

Next: snnctl ls targets, snnctl show target/mcu, snnctl check RECIPE target=xylo/a3
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from snnctl.errors import UserError, did_you_mean

FLAGS = ("--dry-run", "--emulate", "--flash")


def run(args: list[str]) -> int:
    """`snnctl deploy ...` after the verb; returns the exit code."""
    flags = [a for a in args if a.startswith("--")]
    for flag in flags:
        if flag not in FLAGS:
            raise UserError(f"deploy takes no {flag}", did_you_mean(flag, FLAGS))
    if len(flags) > 1:
        raise UserError(f"{' and '.join(flags)} exclude each other", "give one of them, or none")
    rest = [a for a in args if a not in flags]
    if not rest or "=" in rest[0]:
        raise UserError("deploy needs a run, or a NIR file", "for example   snnctl deploy last target=nir")
    own, overrides = _options(rest[1:])
    from snnctl.deployment.stages import Deployment
    from snnctl.deployment.subject import of_file, of_run

    reference = rest[0]
    subject = of_file(Path(reference), overrides) if reference.endswith(".nir") else of_run(reference, overrides)
    other = of_run(own["beside"], overrides) if "beside" in own else None
    deployment = Deployment(subject, own.get("samples"), other)
    deployment.place()
    if "--dry-run" in flags:
        deployment.dry()
        return 0
    deployment.make(keep="--emulate" in flags or "--flash" in flags)
    deployment.compare(emulated="--emulate" in flags)
    if "--flash" in flags:
        deployment.flash()
    return 0


def _options(arguments: list[str]) -> tuple[dict[str, Any], list[str]]:
    """`samples=N` and `beside=RUN`, those that are given, and the overrides."""
    from omegaconf import OmegaConf

    from snnctl.commands.eval import sample_count

    given = [a for a in arguments if a.partition("=")[0] in ("samples", "beside")]
    own = {str(key): value for key, value in OmegaConf.from_dotlist(given).items()}
    if "samples" in own:
        own["samples"] = sample_count(own["samples"])
    if "beside" in own:
        own["beside"] = str(own["beside"])
    return own, [a for a in arguments if a not in given]
