"""A program and what others name of it in, what each of its names becomes out."""

from __future__ import annotations

import ast
import builtins
import itertools
import keyword
import re
import string
from collections.abc import Iterator
from pathlib import Path

from tools.board.linker.layout import Layout
from tools.board.linker.outside import Outside
from tools.board.linker.program import (
    FUNCTIONS,
    OUTSIDE,
    Bound,
    Program,
    Symbol,
    names_of,
    symbol_of,
)

COMPILERS = ("const",)
"""Names that MicroPython's compiler takes for its own, whatever they are in a program."""
INTERPRETER_NAMES = tuple(
    name
    for name in Path(__file__).with_name("interpreter_names.txt").read_text("utf-8").split()
    if name not in COMPILERS
)
"""Names that MicroPython for an RP2040 has in its read-only memory."""
_LOOKED_FOR = {
    "args", "close", "characters_written", "errno", "ioctl", "keys", "read", "readinto", "readline",
    "send", "throw", "value", "write",
}  # fmt: skip
"""What interpreters look for in objects of any kind."""


class Names:
    """Short names: a symbol's in all files, an attribute's in all classes."""

    def __init__(self, program: Program, layout: Layout, outside: Outside) -> None:
        self._layout = layout
        self._real = {
            symbol: name for module, brought in outside.brought(program).items()
            for name, symbol in brought.items() if layout.home(symbol.module) == module
        }  # fmt: skip
        taken = _taken(program) | outside.names | set(self._real.values())
        self._short = dict(zip(_symbols(program), _fresh(taken), strict=False))
        # A class looks among its own names first.
        taken |= {self._short.get(symbol, "") for symbol in _of_class_bodies(program)}
        owned = _attributes(program) - outside.attributes(program) - _fixed(program)
        owned -= set(INTERPRETER_NAMES)
        self.attributes = dict(zip(sorted(owned), _fresh(taken), strict=False))

    def of(self, symbol: Symbol, home: str) -> str:
        """Return the name of a symbol within the file `home`."""
        if self._layout.home(symbol.module) == home:
            return self.exported(symbol)
        return self._short.get(symbol) or str(symbol.name)

    def exported(self, symbol: Symbol) -> str:
        """Return the name of a symbol in its own file: as it was when others need it."""
        return self._real.get(symbol) or self._short.get(symbol) or str(symbol.name)

    def meanings(self) -> dict[str, list[str]]:
        """Return {short name: what it stands for, as ".attribute" or "module.name"}."""
        found: dict[str, list[str]] = {}
        for symbol, short in self._short.items():
            if symbol not in self._real:
                found.setdefault(short, []).append(f"{symbol.module}.{symbol.name}")
        for name, short in self.attributes.items():
            found.setdefault(short, []).append(f".{name}")
        return found


def said(program: Program) -> set[str]:
    """Return the keywords of all calls and the words of all texts: maybe names of attributes."""
    found = set()
    for node in program.nodes():
        if isinstance(node, ast.keyword) and node.arg:
            found.add(node.arg)
        elif isinstance(node, ast.Constant) and re.fullmatch(r"\w+", str(node.value)):
            found.add(str(node.value))
    return found


def _of_class_bodies(program: Program) -> set[Symbol]:
    """Return what is named while a class is made: by its attributes and its methods' defaults."""
    found = set()
    for node in program.nodes():
        for statement in node.body if isinstance(node, ast.ClassDef) else ():
            parts: list[ast.AST] = [statement]
            if isinstance(statement, FUNCTIONS):
                arguments = statement.args
                parts = [*arguments.defaults, *statement.decorator_list]
                parts += [each for each in arguments.kw_defaults if each]
            for each in itertools.chain.from_iterable(map(ast.walk, parts)):
                symbol = symbol_of(each)
                if symbol:
                    found.add(program.origin(symbol))
    return found


def _symbols(program: Program) -> list[Symbol]:
    """Return what modules define, in one order."""
    found = set()
    for module in program.trees:
        for node in program.nodes([module]):
            bound: Bound = getattr(node, "bound", OUTSIDE)
            symbol = bound.symbol if bound.scope == "module" else None
            if symbol and symbol.module == module and symbol.name:
                found.add(symbol)
    return sorted(found, key=lambda each: (each.module, str(each.name)))


def _attributes(program: Program) -> set[str]:
    """Return the names of attributes that the program's own classes have."""
    found = set()
    for node in program.nodes():
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            # What others' objects are given is theirs.
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                found.add(node.attr)
        elif isinstance(node, ast.ClassDef):
            for each in ast.walk(node):
                bound = getattr(each, "bound", None)
                if bound and bound.scope == "class":
                    found.update(names_of(each))
    return {name for name in found if not name.startswith("__")}


def _fixed(program: Program) -> set[str]:
    """Return the words of texts, and what classes import: names of attributes that must stay."""
    found = said(program)
    for node in program.nodes():
        if isinstance(node, ast.alias) and node.in_class:  # type: ignore[attr-defined]
            found.add(node.asname or node.name)
    return found


def _taken(program: Program) -> set[str]:
    """Return names that no other name may become: those in use and those of any interpreter."""
    found = set(dir(builtins)) | set(keyword.kwlist) | set(keyword.softkwlist) | _LOOKED_FOR
    for node in program.nodes():
        found.update(names_of(node))
    return found


def _fresh(taken: set[str]) -> Iterator[str]:
    """Yield names that cost a board nothing, then short ones."""
    for name in INTERPRETER_NAMES:
        if name not in taken and not name.startswith("_"):
            yield name
    for length in itertools.count(2):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            name = "".join(letters)
            if name not in taken and name not in INTERPRETER_NAMES:
                yield name
