"""Proofs are kept with what they cover, and are named when that changes."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.proofs import record, stale

SEEN = {"name": "test/acc", "figures": [1], "asked": 0, "minutes": 1, "cores": 1, "baselines": {}}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    for module in (record, stale):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(record, "RECORD", tmp_path / "proof.json")
    monkeypatch.setattr(record, "PAGE", tmp_path / "proof.md")
    (tmp_path / "proof.json").write_text("{}")
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "one.py").write_text("1")

    def commit():
        own = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
        subprocess.run(["git", *own, "commit", "-qm", "x"], cwd=tmp_path, check=True)

    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    commit()
    return tmp_path, commit


def test_a_proof_stands_until_a_file_it_covers_changes(repository, capsys):
    root, commit = repository
    record.write("parity", ["cases"], {"result": "3 cases, 0 wrong"})
    assert "| 3 cases, 0 wrong |" in (root / "proof.md").read_text()
    commit()
    stale.main()
    assert capsys.readouterr().out == "1 proofs, 0 older than what they cover\n"
    (root / "cases" / "one.py").write_text("2")
    commit()
    stale.main()
    told = capsys.readouterr().out
    assert "parity" in told and "cases/one.py" in told and "1 proofs, 1 older" in told


def test_comments_of_a_recipe_are_not_what_it_does(repository):
    root, commit = repository
    (root / "cases" / "r.yaml").write_text("# Showed: nothing yet\nlr: 1\n")
    commit()
    record.write("recipe r", ["cases/r.yaml"], SEEN)
    for text, old in (("# Showed: 97 %\nlr: 1\n", False), ("# Showed: 97 %\nlr: 2\n", True)):
        (root / "cases" / "r.yaml").write_text(text)
        commit()
        assert bool(stale.stale(record.read()["recipe r"])) == old


def test_a_proof_of_what_is_not_committed_never_stands(repository):
    root, _ = repository
    (root / "cases" / "one.py").write_text("2")
    record.write("parity", ["cases"], {"result": ""})
    assert "made with changes" in stale.stale(json.loads((root / "proof.json").read_text())["parity"])


def test_a_commit_that_is_not_there(repository):
    assert "not in this history" in stale.stale({"commit": "1234567", "covers": ["cases"]})


def test_the_page_is_what_the_record_says():
    assert record.PAGE.read_text() == record.page(record.read())
