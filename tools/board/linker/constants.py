"""A program in, the same with its constants written where they are used out."""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Callable
from typing import Any

from tools.board.linker.program import Program, Symbol, symbol_of

LONGEST_TEXT = 10
"""Longer ones a board keeps as objects, not among its names."""
_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
    ast.BitOr: operator.or_, ast.BitAnd: operator.and_, ast.Pow: operator.pow,
}  # fmt: skip


def fold(program: Program, kept: set[Symbol]) -> None:
    """Write integers and short texts that a module names once where the names stand.

    `kept`: what code outside may give another value.
    """
    for tree in program.trees.values():
        tree.body = [each for statement in tree.body for each in _one_by_one(statement)]
    values = _Values(program, kept)
    for tree in program.trees.values():
        _Writer(values).visit(tree)


class _Values:
    """What constant a symbol stands for."""

    def __init__(self, program: Program, kept: set[Symbol]) -> None:
        self._expressions: dict[Symbol, ast.expr] = {}
        self._known: dict[Symbol, Any] = {}
        for module, tree in program.trees.items():
            stored = Counter(_stored(tree))
            for statement in tree.body:
                if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
                    continue
                target = statement.targets[0]
                if isinstance(target, ast.Name) and stored[target.id] == 1:
                    symbol = Symbol(module, target.id)
                    if symbol not in kept:
                        self._expressions[symbol] = statement.value

    def of(self, symbol: Symbol | None) -> Any:
        """Return an int or str, None when it is no constant worth writing out."""
        if symbol is None or symbol not in self._expressions:
            return None
        if symbol not in self._known:
            self._known[symbol] = None  # so that a circle ends
            self._known[symbol] = self._calculate(self._expressions[symbol])
        value = self._known[symbol]
        is_long = isinstance(value, str) and len(value) > LONGEST_TEXT
        return None if is_long else value

    def _calculate(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant):
            return node.value if type(node.value) in (int, str) else None
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self._calculate(node.operand)
            return -value if isinstance(value, int) else None
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            both = self._calculate(node.left), self._calculate(node.right)
            if all(isinstance(each, int) for each in both):
                return _OPERATORS[type(node.op)](*both)
            return None
        return self.of(symbol_of(node))


def _one_by_one(statement: ast.stmt) -> list[ast.stmt]:
    """Return `a = 1` and `b = 2` for `a, b = 1, 2`."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return [statement]
    target, value = statement.targets[0], statement.value
    if not isinstance(target, ast.Tuple) or not isinstance(value, ast.Tuple):
        return [statement]
    if not all(isinstance(each, ast.Constant) for each in value.elts):
        return [statement]
    return [ast.Assign([name], each, lineno=statement.lineno)
            for name, each in zip(target.elts, value.elts, strict=True)]  # fmt: skip


def _stored(tree: ast.Module) -> list[str]:
    """Return each name as often as something of the module gives it a value."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            if node.bound.scope == "module":  # type: ignore[attr-defined]
                found.append(node.id)
        elif isinstance(node, ast.Global):
            found += node.names * 2
    return found


class _Writer(ast.NodeTransformer):
    def __init__(self, values: _Values) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.AST:
        value = self._values.of(symbol_of(node)) if isinstance(node.ctx, ast.Load) else None
        return node if value is None else ast.Constant(value)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        value = self._values.of(symbol_of(node))
        return self.generic_visit(node) if value is None else ast.Constant(value)
