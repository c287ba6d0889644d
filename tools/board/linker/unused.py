"""A program in, the same without what nothing of it and nothing outside names out."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from tools.board.linker.program import FUNCTIONS, Program, Symbol, symbol_of


def drop_unused(program: Program, kept: set[Symbol], called: set[str]) -> None:
    """Drop functions, classes, constants and methods that are never named.

    `kept`: what code outside uses. `called`: names of methods that others may call.
    """
    while True:
        symbols, attributes = _used(program)
        symbols |= kept
        attributes |= called
        before = sum(1 for _ in program.nodes())
        for module, tree in program.trees.items():
            tree.body = [each for each in tree.body
                         if not _is_unused(each, module, symbols)]  # fmt: skip
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    node.body = _named_methods(node.body, attributes) or [ast.Pass()]
        if sum(1 for _ in program.nodes()) == before:
            return


def _used(program: Program) -> tuple[set[Symbol], set[str]]:
    """Return the symbols that are read and the names of attributes that are."""
    symbols: set[Symbol] = set()
    attributes: set[str] = set()
    for node in program.nodes():
        symbol = symbol_of(node)
        if symbol is not None and isinstance(node.ctx, ast.Load):  # type: ignore[attr-defined]
            symbols.update((symbol, program.origin(symbol)))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            attributes.add(node.attr)
        elif isinstance(node, ast.ImportFrom) and not (node.scope == "module" and node.is_top):  # type: ignore[attr-defined]
            for alias in node.names:
                found = program.target(node.module or "", alias.name)
                if found:
                    symbols.update((found, program.origin(found)))
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Attribute):
            attributes.add(node.target.attr)
    return symbols, attributes


def _is_unused(statement: ast.stmt, module: str, symbols: set[Symbol]) -> bool:
    """Tell whether a statement of a module only makes what nobody uses."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)  # a docstring
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
        names = [statement.name]
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if not isinstance(target, ast.Name) or _has_effect(ast.walk(statement.value)):
            return False
        if target.id == "__all__":
            return True
        names = [target.id]
    else:
        return False
    return not any(Symbol(module, name) in symbols for name in names)


def _has_effect(nodes: Iterable[ast.AST]) -> bool:
    return any(isinstance(node, ast.Call | ast.Await | ast.Yield) for node in nodes)


def _named_methods(body: list[ast.stmt], attributes: set[str]) -> list[ast.stmt]:
    return [
        each for each in body
        if not isinstance(each, FUNCTIONS) or each.name in attributes or each.name[:2] == "__"
    ]  # fmt: skip
