"""Artefacts: whole or absent, and refused once edited."""

from __future__ import annotations

import json

import pytest

from snnctl.errors import UserError
from snnctl.targets import artefact


def fill(text: str):
    def write(folder):
        (folder / "image.bin").write_text(text)
        (folder / "source").mkdir()
        (folder / "source" / "step.c").write_text("int x;")

    return write


def test_an_artefact_is_built_and_opened(tmp_path):
    folder = artefact.build(tmp_path / "deploy" / "artefact", fill("one"), {"target": "mcu"})
    manifest = artefact.opened(folder)
    assert manifest["target"] == "mcu" and set(manifest["files"]) == {"image.bin", "source/step.c"}
    artefact.build(folder, fill("two"), {})
    assert (folder / "image.bin").read_text() == "two" and [p.name for p in folder.parent.iterdir()] == ["artefact"]


def test_one_that_fails_leaves_the_one_before(tmp_path):
    folder = artefact.build(tmp_path / "artefact", fill("one"), {})

    def breaks(part):
        (part / "image.bin").write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="No space left"):
        artefact.build(folder, breaks, {})
    assert (folder / "image.bin").read_text() == "one" and [p.name for p in tmp_path.iterdir()] == ["artefact"]
    with pytest.raises(KeyboardInterrupt):
        artefact.build(tmp_path / "other", lambda part: (_ for _ in ()).throw(KeyboardInterrupt), {})
    assert [p.name for p in tmp_path.iterdir()] == ["artefact"]


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda f: (f / "image.bin").write_text("two"), "image.bin was edited"),
        (lambda f: (f / "source" / "step.c").unlink(), "step.c is missing"),
        (lambda f: (f / "more.c").write_text(""), "more.c was added"),
        (lambda f: (f / "manifest.json").write_text("{"), "manifest.json is damaged"),
        (lambda f: (f / "manifest.json").write_text(json.dumps({})), "manifest.json is damaged"),
        (lambda f: (f / "manifest.json").unlink(), "no artefact in"),
    ],
)
def test_an_edited_artefact_is_refused(tmp_path, edit, says):
    folder = artefact.build(tmp_path / "artefact", fill("one"), {})
    edit(folder)
    with pytest.raises(UserError) as caught:
        artefact.opened(folder)
    assert says in caught.value.problem and "snnctl deploy" in caught.value.hint
