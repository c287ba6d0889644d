"""What may name parts of the firmware from outside, against a program: what must keep its name."""

from __future__ import annotations

from collections.abc import Iterable

from tools.board.linker.layout import BY_CABLE, FIRST
from tools.board.linker.program import Program, Symbol, names_of


class Outside:
    """What the firmware must still answer to.

    `names`: in code for boards. `modules`: that it imports, dotted. `keywords`: names of arguments
    that are passed. `foreign`: names of attributes of what is not the firmware's.
    """

    def __init__(
        self, names: Iterable[str] = (), modules: Iterable[str] = (), keywords: Iterable[str] = (),
        foreign: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self.names, self.modules = set(names), set(modules)
        self.keywords, self.foreign = set(keywords), set(foreign)

    def brought(self, program: Program) -> dict[str, dict[str, Symbol]]:
        """Return {module: {name: symbol}} of what must be found there under its name."""
        named = self.names | _by_cable(program)
        found: dict[str, dict[str, Symbol]] = {}
        for module in sorted((self.modules | _imported_first(program)) & set(program.trees)):
            found[module] = {
                name: program.origin(bound.symbol)
                for name, bound in program.bound[module].items()
                if bound.symbol and bound.symbol.name and name in named
            }
        return found

    def kept(self, program: Program) -> set[Symbol]:
        """Return all symbols of `brought`."""
        return {each for named in self.brought(program).values() for each in named.values()}

    def attributes(self, program: Program) -> set[str]:
        """Return names that attributes must keep. Firmware over the air meets older launchers."""
        return self.names | self.foreign | _by_cable(program)


def _by_cable(program: Program) -> set[str]:
    """Return the public names in what is never replaced over the air."""
    modules = [each for each in BY_CABLE if each in program.trees]
    return {name for node in program.nodes(modules) for name in names_of(node) if name[0] != "_"}


def _imported_first(program: Program) -> set[str]:
    """Return what runs first, and what it imports."""
    found = {each for each in FIRST if each in program.trees}
    return found | {name for each in found for name in program.imports(each)}
