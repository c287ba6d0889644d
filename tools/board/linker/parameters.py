"""A file's syntax tree in, the same with parameters of a letter or two out."""

from __future__ import annotations

import ast
import builtins
import itertools
import string
from collections.abc import Iterator

from tools.board.linker.program import names_of

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def shorten_parameters(tree: ast.Module, fixed: set[str]) -> None:
    """Shorten what is a parameter in a function and nothing else anywhere around it."""
    around = set(dir(builtins)) | fixed | {"self"}
    classes = [each for each in ast.walk(tree) if isinstance(each, ast.ClassDef)]
    bodies = [tree.body, *(each.body for each in classes)]
    for body in bodies:
        for statement in body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                around.add(statement.name)
            else:
                around.update(_names(statement))
    for body in bodies:
        for statement in body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                _shorten_within(statement, around)


def _shorten_within(function: _Function, around: set[str]) -> None:
    nodes = list(ast.walk(function))
    if any(isinstance(node, ast.ClassDef | ast.Global | ast.Import | ast.ImportFrom)
           for node in nodes) or getattr(function, "decorator_list", []):  # fmt: skip
        return
    wanted: dict[str, None] = {}
    for node in nodes:
        if isinstance(node, _FUNCTIONS):
            wanted.update((each.arg, None) for each in node.args.args)
    used = {n.id for n in nodes if isinstance(n, ast.Name)}
    keywords = {each.arg for n in nodes if isinstance(n, _FUNCTIONS) for each in n.args.kwonlyargs}
    names = [name for name in wanted if name not in around | keywords]
    # Not the name of a local variable nor one of the module's.
    others = {name for name in used | set(_names(function)) if name not in names}
    short = dict(zip(names, _fresh(around | others), strict=False))
    for node in nodes:
        if isinstance(node, ast.Name):
            node.id = short.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = short.get(node.arg, node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            node.name = short.get(node.name, node.name)
        elif isinstance(node, ast.Nonlocal):
            node.names = [short.get(name, name) for name in node.names]


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        yield from names_of(node)


def _fresh(taken: set[str]) -> Iterator[str]:
    for length in itertools.count(1):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            name = "".join(letters)
            if name not in taken:
                yield name
