"""The built wheel carries configs/ and recipes/ and works from any folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([*pip, "--wheel-dir", str(out), str(ROOT)], check=True, capture_output=True, text=True, timeout=300)
    return next(out.glob("snnctl-*.whl"))


def test_every_config_and_recipe_is_inside(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("configs", "recipes"):
        ours = {f"snnctl/{folder}/{p.relative_to(ROOT / folder)}" for p in (ROOT / folder).rglob("*.yaml")}
        assert ours and ours <= inside
    assert not [name for name in inside if name.startswith("tests")]


def test_the_installed_command_works_from_another_folder(wheel, tmp_path):
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    code = (
        "import snnctl, sys; from snnctl.cli import main; from snnctl.config import compose; "
        "assert snnctl.__file__.startswith(sys.argv[1]), snnctl.__file__; "
        "assert main(['ls', 'recipes']) == 0; print(compose('digits_conv', ['seed=7']).seed)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(site)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "digits_conv" in done.stdout and done.stdout.endswith("7\n")
