from __future__ import annotations

from snnctl.config.comments import entries, header, headline, meanings, remarks, split_comment

TEXT = """\
# A set of toys. Showed: 98 %.
# More about it.
defaults:
  - base
  - /surrogate@surrogate: atan  # not a key
_target_: a.B  # the class
steps: 10  # bins; T
name: "a # b"  # quoted
source:
  shape: [2, 34, 34]  # P, H, W
  deep:
    more: 1
  list:  # of files
    - {url: x}
    - key: 1  # inside a list
after: null   # last
"""


def test_entries(tmp_path):
    file = tmp_path / "toy.yaml"
    file.write_text(TEXT)
    found = {entry.path: (entry.value, entry.meaning) for entry in entries(file)}
    assert found == {
        "_target_": ("a.B", "the class"),
        "steps": ("10", "bins; T"),
        "name": ('"a # b"', "quoted"),
        "source": ("", ""),
        "source.shape": ("[2, 34, 34]", "P, H, W"),
        "source.deep": ("", ""),
        "source.deep.more": ("1", ""),
        "source.list": ("", "of files"),
        "after": ("null", "last"),
    }
    assert meanings(file)["source.shape"] == "P, H, W"
    assert "source" not in meanings(file)
    assert headline(file) == "A set of toys. Showed: 98 %."
    assert header(file) == ["A set of toys. Showed: 98 %.", "More about it."]


def test_the_remark_behind_braces_is_about_the_last_value_in_them(tmp_path):
    file = tmp_path / "toy.yaml"
    file.write_text(
        "a: {b: 1}  # one\nc: {d: [1, 2], e: {f: 0.1}}  # two\ng: {h: {i: 1}, j: {_target_: x.Y, k: 'a: b'}}  # three\n"
        "l: 3  # four\nm:  # five\n  n: {}  # six\no: {p: {q: 1}, r: 2}  # seven\n"
    )
    assert remarks(file) == {
        "a.b": "one", "c.e.f": "two", "g.j.k": "three", "l": "four", "m": "five", "m.n": "six", "o.r": "seven",
    }  # fmt: skip


def test_headline_of_a_file_without_comment(tmp_path):
    (tmp_path / "x.yaml").write_text("a: 1\n")
    assert headline(tmp_path / "x.yaml") == ""
    assert headline(tmp_path / "missing.yaml") == ""


def test_a_hash_inside_a_word_or_quotes_is_no_comment():
    assert split_comment(" a#b  # c # d") == ("a#b", "c # d")
    assert split_comment("'x # y'") == ("'x # y'", "")
    assert split_comment("# only") == ("", "only")
