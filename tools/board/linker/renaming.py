"""A program, its layout and its short names in, the text of each file out."""

from __future__ import annotations

import ast
from typing import Any

from tools.board.linker.layout import Layout
from tools.board.linker.names import Names
from tools.board.linker.program import Bound, Program, Symbol, is_of_module, symbol_of


class LinkError(ValueError):
    """What the sources do cannot be done in one file; the argument says where and what."""


class File:
    """One file of several modules. `body` after `add` of each in the order in which they run."""

    def __init__(self, program: Program, layout: Layout, names: Names, home: str) -> None:
        self._parts = (program, layout, names)
        self._home = home
        self._foreign: dict[str, str] = {}
        self._needed: set[Symbol] = set()
        self._statements: list[ast.stmt] = []

    def add(self, module: str) -> None:
        """Append a module. Raises LinkError."""
        renamer = _Renamer(*self._parts, self._home)
        tree = renamer.visit(self._parts[0].trees[module])
        for statement in tree.body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self._import(statement, module)
            else:
                self._statements.append(statement)
        self._needed |= renamer.needed

    def _import(self, statement: ast.Import | ast.ImportFrom, module: str) -> None:
        """Keep an import of what is not of the firmware, once."""
        for alias in statement.names:
            name = alias.asname or alias.name
            meaning = f"{getattr(statement, 'module', '')}.{alias.name}"
            if name not in self._foreign:
                self._foreign[name] = meaning
                self._statements.append(type(statement)(**{**vars(statement), "names": [alias]}))
            elif self._foreign[name] != meaning:
                text = ast.unparse(statement)
                raise LinkError(f"{module}: {text}: the name has another meaning in {self._home}")

    @property
    def body(self) -> list[ast.stmt]:
        """All statements, imports of other files first."""
        _, layout, names = self._parts
        homes: dict[str, list[ast.alias]] = {}
        for symbol in sorted(self._needed, key=lambda each: (each.module, str(each.name))):
            here, there = names.of(symbol, self._home), names.exported(symbol)
            alias = ast.alias(there, None if here == there else here)
            homes.setdefault(layout.home(symbol.module), []).append(alias)
        header: list[ast.stmt] = [
            ast.ImportFrom(home, aliases, 0) for home, aliases in sorted(homes.items())
        ]
        return header + self._statements


class _Renamer(ast.NodeTransformer):
    """Gives the names of one module their short form."""

    def __init__(self, program: Program, layout: Layout, names: Names, home: str) -> None:
        self._program, self._layout, self._names = program, layout, names
        self._home = home
        self.needed: set[Symbol] = set()

    def _name(self, symbol: Symbol) -> str:
        """Return the name of a symbol in this file, which it must import when it is of another."""
        symbol = self._program.origin(symbol)
        if self._layout.home(symbol.module) != self._home:
            self.needed.add(symbol)
        return self._names.of(symbol, self._home)

    def _bound_name(self, bound: Bound, name: str) -> str:
        if bound.scope == "class":
            return self._names.attributes.get(name, name)
        if bound.scope != "module" or bound.symbol is None:
            return name
        if bound.symbol.name is None:
            raise LinkError(f"{self._home}: the module {bound.symbol.module} is used as an object")
        return self._name(bound.symbol)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        bound: Bound = getattr(node, "bound", Bound("outside"))
        node.id = self._bound_name(bound, node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        symbol = symbol_of(node)
        if symbol is not None:
            if node.value.bound.scope == "module":  # type: ignore[attr-defined]
                return ast.Name(self._name(symbol), node.ctx)
            node.attr = self._names.exported(self._program.origin(symbol))
        elif not is_of_module(node):
            node.attr = self._names.attributes.get(node.attr, node.attr)
            self.generic_visit(node)
        return node

    def _visit_definition(self, node: Any) -> ast.AST:
        node.name = self._bound_name(node.bound, node.name)
        return self.generic_visit(node)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _visit_definition

    def visit_Global(self, node: ast.Global) -> ast.AST:
        node.names = [self._bound_name(bound, name)
                      for bound, name in zip(node.bounds, node.names, strict=True)]  # type: ignore[attr-defined]  # fmt: skip
        return node

    def visit_ImportFrom(self, node: Any) -> Any:
        found = [self._program.target(node.module or "", alias.name) for alias in node.names]
        if not any(found):
            return node
        if node.scope == "module" and node.is_top:
            return None  # `needed` says what is imported
        return [self._one_import(node, alias, symbol)
                for alias, symbol in zip(node.names, found, strict=True)]  # fmt: skip

    def _one_import(self, node: Any, alias: ast.alias, symbol: Symbol | None) -> ast.stmt:
        """Import one thing of the firmware where a function, or an attempt, asks for it."""
        if symbol is None:
            return ast.ImportFrom(node.module, [alias], 0)
        symbol = self._program.origin(symbol)
        here = alias.asname or alias.name
        if node.scope == "module":
            here = self._bound_name(alias.bound, here)  # type: ignore[attr-defined]
        home = self._layout.home(symbol.module)
        if symbol.name is None:
            package, _, there = home.rpartition(".")
            return ast.ImportFrom(package, [ast.alias(there, here)], 0)
        there = self._names.exported(symbol)
        if home == self._home and node.scope == "module":
            target = ast.Name(here, ast.Store())
            return ast.Assign([target], ast.Name(there, ast.Load()), lineno=node.lineno)
        return ast.ImportFrom(home, [ast.alias(there, None if here == there else here)], 0)
