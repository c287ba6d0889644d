"""What runs code on boards besides the firmware in, the names that it needs out."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

from tools.board.linker.program import names_of

_ROOT = Path(__file__).parents[3]
_ELSEWHERE = ("tools/board", "tools/emulation", "tests/hil")
_OF_MACHINES = "tools/bench/shims"
"""Stands for modules that only boards have."""
_ON_BOARDS = ("tools/board/on_board_costs.py", "tools/emulation/on_board*.py")
_ASKING = ("ask", "ask_relays")
"""Methods whose first argument is the name of one that a board has."""
_IMPORT = re.compile(r"\b(?:from|import) +((?:node|wire)[.\w]*)(?: +import +([\w, ]+))?")


@functools.cache
def names() -> set[str]:
    """Return every name in code that is sent to boards, and the methods that it is asked for."""
    found: set[str] = set()
    for text in _texts():
        if "import " in text or re.search(r"[\w)]\(|\w = ", text):
            try:
                nodes = list(ast.walk(ast.parse(text)))
            except SyntaxError:  # a part of some code
                found.update(re.findall(r"[A-Za-z_]\w*", text) if "import " in text else ())
                continue
            found.update(name for node in nodes for name in names_of(node))
    return found


def modules() -> set[str]:
    """Return the modules that such code imports, dotted."""
    found: set[str] = set()
    for text in _texts():
        for module, brought in _IMPORT.findall(text):
            found.add(module)
            found.update(f"{module}.{name.strip()}" for name in brought.split(","))
    return found


def keywords() -> set[str]:
    """Return by what names arguments are passed."""
    found = set()
    for directory in _ELSEWHERE:
        for path in sorted((_ROOT / directory).rglob("*.py")):
            found.update(re.findall(r"[(,]\s*(\w+)=(?!=)", path.read_text("utf-8")))
    return found


def names_of_machines() -> set[str]:
    """Return what the modules that only boards have define: no class of ours is meant by it."""
    found: set[str] = set()
    for path in sorted((_ROOT / _OF_MACHINES).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Attribute):
                found.update(name for name in names_of(node) if name[0] != "_")
    return found


@functools.cache
def _texts() -> tuple[str, ...]:
    """Return what may be code for boards: files that run there whole, texts in all others."""
    whole = {path for pattern in _ON_BOARDS for path in _ROOT.glob(pattern)}
    found: list[str] = []
    for directory in _ELSEWHERE:
        for path in sorted((_ROOT / directory).rglob("*.py")):
            text = path.read_text("utf-8")
            if path in whole:
                found.append(text)
            elif not path.is_relative_to(Path(__file__).parent):
                found += _texts_in(ast.parse(text))
    return tuple(found)


def _texts_in(tree: ast.Module) -> Iterator[str]:
    passed_over = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            passed_over.update(map(id, node.values))
            yield "".join(str(each.value) if isinstance(each, ast.Constant) else "x"
                          for each in node.values)  # fmt: skip
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in _ASKING and isinstance(node.args[0], ast.Constant):
                yield f"x.{node.args[0].value!s}()"
        elif isinstance(node, ast.Constant) and id(node) not in passed_over:
            if isinstance(node.value, bytes):
                yield node.value.decode("utf-8", "replace")
            elif isinstance(node.value, str):
                yield re.sub("%[srd]", "x", node.value)
