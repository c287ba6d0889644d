"""Sources with short names do what they did, and nothing that others name has changed."""

import ast
import subprocess
import sys

import pytest

from tools.board.firmware_files import shortened, source_files
from tools.board.shorten import shorten

BASE = """
_SMALL = 7
_TWICE = 1
_TWICE = 2

class Base:
    def __init__(self, amount):
        self._amount = amount

    def total(self, factor, offset=_SMALL):
        return self._sum(lambda each: each * factor) + offset + _TWICE

    def _sum(self, change):
        return sum(change(number) for number in range(self._amount))
"""
CHILD = """
from base import Base

def named(amount, name="amount"):
    return getattr(Counter(amount), "_spoken") + len(name)

class Counter(Base):
    def __init__(self, amount):
        super().__init__(amount)
        self._count = 1
        self._spoken = 5

    def both(self, factor):
        list = self._count
        return self.total(factor, offset=list), self._amount
"""
ASKED = "from child import Counter, named\nprint(Counter(4).both(3), named(2), Counter(5).total(2))"


def said(directory, sources):
    for name, text in sources.items():
        (directory / name).write_text(text)
    argv = [sys.executable, "-m", "micropython_unix", "-c", ASKED]
    return subprocess.run(argv, capture_output=True, text=True, cwd=directory, timeout=60).stdout


@pytest.fixture
def both():
    sources = {"base.py": BASE, "child.py": CHILD}
    return sources, shorten(sources)


def test_short_names_mean_the_same_when_classes_descend_and_texts_name_members(tmp_path, both):
    before, after = both
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    assert said(tmp_path / "before", before) == "(21, 4) 11 29\n"
    assert said(tmp_path / "after", after) == "(21, 4) 11 29\n"


def test_only_private_names_are_short_when_modules_share_classes(both):
    after = both[1]
    text = after["base.py"] + after["child.py"]
    for gone in ("_amount", "_sum", "_count", "factor", "each *"):
        assert gone not in text
    for kept in ("_spoken", "offset", "class Counter", "def both", "def total", "list"):
        assert kept in text


def test_integers_become_constants_when_they_are_set_once():
    text = shorten({"base.py": BASE})["base.py"]
    assert "_SMALL = const(7)" in text
    assert text.count("const(") == 1


def test_names_of_others_are_kept_when_they_are_told():
    after = shorten({"base.py": BASE}, {"_sum", "amount"})["base.py"]
    assert "_sum" in after
    assert "def __init__(self, amount)" in after


def test_firmware_keeps_its_public_names_when_it_is_shortened():
    sources = source_files()
    for name, short in shortened(sources).items():
        before, after = ast.parse(sources[name]), ast.parse(short)
        assert public(before) == public(after), name


def public(tree):
    """Return the public functions, classes and attributes with how many arguments they take."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not node.attr.startswith("_"):
            found.append(node.attr)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            arguments = len(node.args.args) if hasattr(node, "args") else 0
            found.append("_" if node.name[0] == "_" != node.name[1] else (node.name, arguments))
    return found


def test_short_names_are_the_same_when_given_again(both):
    before, after = both
    assert shorten(before) == after
