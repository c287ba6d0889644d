"""The firmware's sources in, the files that boards get out: fewer, with short names."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from tools.board.linker.constants import fold
from tools.board.linker.layout import Layout
from tools.board.linker.names import INTERPRETER_NAMES, Names, said
from tools.board.linker.outside import Outside
from tools.board.linker.parameters import shorten_parameters
from tools.board.linker.program import Program
from tools.board.linker.renaming import File, LinkError
from tools.board.linker.unused import drop_unused


def link(sources: Mapping[str, str], outside: Outside) -> dict[str, str]:
    """Return {path: source}. Raises SyntaxError, LinkError."""
    return link_and_tell(sources, outside)[0]


def link_and_tell(
    sources: Mapping[str, str], outside: Outside
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return {path: source} and {short name: what it may stand for}."""
    program = Program(sources)
    texts, kept = said(program), outside.kept(program)
    fold(program, kept)
    attributes = outside.attributes(program)
    drop_unused(program, kept, attributes | texts | set(INTERPRETER_NAMES))
    layout = Layout(program)
    names = Names(program, layout, outside)
    files = {}
    for home, modules in layout.files.items():
        file = File(program, layout, names, home)
        for module in modules:
            file.add(module)
        tree = ast.Module(file.body, [])
        shorten_parameters(tree, attributes | texts | outside.keywords)
        files[program.paths[home]] = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    return files | dict(_stand_ins(program, layout, names, outside)), names.meanings()


def _stand_ins(
    program: Program, layout: Layout, names: Names, outside: Outside
) -> Iterator[tuple[str, str]]:
    """Yield modules of the old names for what outside imports and is now in another file."""
    for module, brought in outside.brought(program).items():
        if layout.home(module) == module:
            continue
        # What the module itself had imported may be in another file than the rest of it.
        names_in: dict[str, list[str]] = {}
        for name, symbol in brought.items():
            here = names_in.setdefault(layout.home(symbol.module), [])
            here.append(f"{names.exported(symbol)} as {name}")
        lines = [f"from {home} import {', '.join(each)}\n" for home, each in names_in.items()]
        yield program.paths[module], "".join(lines)


__all__ = ("LinkError", "Outside", "link", "link_and_tell")
