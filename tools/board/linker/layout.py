"""A program in, which modules share a file out."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools.board.linker.program import Program

BY_CABLE = ("launcher", "mounted")
"""Never replaced over the air: firmware of any age meets their names."""
FIRST = (*BY_CABLE, "node.program")
"""What runs before all else, and where other firmware runs: with what they import, as it is."""
ASKED = "node.version"
"""What tools read of a board whose other files may be damaged."""
CHECKS = "node.settings"
"""Is loaded before `WHOLE` and dropped again: what both import is one file, loaded before it."""
WHOLE = "node.app"
"""Stays loaded with all that it imports."""


class Layout:
    """`files`: {module whose name a file has: its modules in the order in which they run}."""

    def __init__(self, program: Program) -> None:
        apart = {ASKED, *_tried(program)} | {
            each for module in FIRST for each in _closure(program, module)
        }
        whole = [each for each in _closure(program, WHOLE)
                 if each not in apart and not _is_package(program, each)]  # fmt: skip
        shared = [each for each in _closure(program, CHECKS) if each in whole]
        self.files = {
            members[-1]: members
            for members in (shared, [each for each in whole if each not in shared])
            if members
        }
        placed = {each for members in self.files.values() for each in members}
        for module in program.trees:
            if module not in placed:
                self.files[module] = [module]
        self._homes = {each: home for home, members in self.files.items() for each in members}

    def home(self, module: str) -> str:
        """Return the module whose file holds `module`."""
        return self._homes[module]


def _closure(program: Program, module: str) -> list[str]:
    """Return a module and all that it imports when it is loaded, each after what it needs."""
    found: dict[str, None] = {}

    def look(at: str, around: tuple[str, ...]) -> None:
        if at in found or at in around or at not in program.trees:
            return
        for each in program.imports(at):
            look(each, (*around, at))
        found[at] = None

    look(module, ())
    return list(found)


def _tried(program: Program) -> Iterator[str]:
    """Yield modules whose import may fail: they must not take others with them."""
    attempts = [each for tree in program.trees.values() for each in tree.body
                if isinstance(each, ast.Try)]  # fmt: skip
    for node in (node for each in attempts for part in each.body for node in ast.walk(part)):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found = program.target(node.module or "", alias.name)
                if found:
                    yield found.module


def _is_package(program: Program, module: str) -> bool:
    return program.paths[module].endswith("__init__.py")
