"""The firmware's sources in, the same with short private names out: each name takes a board memory.

An interpreter on a board keeps every name it has met, 6 bytes and its letters each, and doubles the
table when it is full. Only what no other module can name becomes shorter: attributes, functions
and constants with a leading underscore, and parameters that nobody passes by name. Integers that
have such a name go into the code where they are used.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import re
import string
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

SMALLEST_INTEGER, LARGEST_INTEGER = -(2**30), 2**30 - 1
"""Integers that a board holds without memory of their own."""
_ELSEWHERE = ("tools/board", "tools/emulation", "tests/hil")
"""What runs code on a board and may name what is private there."""
_ROOT = Path(__file__).parents[2]
_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def shorten(sources: Mapping[str, str], kept: Iterable[str] = ()) -> dict[str, str]:
    """Return {path: source} with short names. `kept`: names that stay as they are, whoever's.

    What is said in a text stays too: it may be the name of an attribute.
    """
    trees = {path: ast.parse(source) for path, source in sources.items()}
    fixed = set(kept) | _said(trees.values())
    families = _families(trees)
    homes = defaultdict(set)
    for path, tree in trees.items():
        for name in _private_names(tree):
            homes[name].add(families[path])
    for family in sorted(set(families.values())):
        members = [path for path in sorted(trees) if families[path] == family]
        own = {name for name, found in homes.items() if found == {family}} - fixed
        if len(members) == 1:
            own -= _inline(trees[members[0]], own)
        taken = {name for path in members for name in _names(trees[path])} | fixed | set(homes)
        short = dict(zip(sorted(own), _fresh("_", taken), strict=False))
        for path in members:
            _Renamer(short).visit(trees[path])
            _shorten_parameters(trees[path], fixed)
    return {path: ast.unparse(tree) + "\n" for path, tree in trees.items()}


def names_elsewhere() -> set[str]:
    """Return what code besides the firmware may name of it: private names and keywords."""
    found = set()
    for directory in _ELSEWHERE:
        for path in sorted((_ROOT / directory).rglob("*.py")):
            if path == Path(__file__):
                continue
            text = path.read_text("utf-8")
            found.update(re.findall(r"\b_[A-Za-z]\w*", text))
            found.update(re.findall(r"[(,]\s*(\w+)=(?!=)", text))
    return found


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.alias):
            yield from (node.asname or node.name, node.name)
        elif isinstance(node, _NAMED):
            yield node.name or ""
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names


def _private_names(tree: ast.AST) -> set[str]:
    return {name for name in _names(tree) if re.fullmatch(r"_[A-Za-z]\w*", name)}


def _said(trees: Iterable[ast.AST]) -> set[str]:
    """Return the keywords of all calls, the words of all texts and all that is imported."""
    found: set[str] = set()
    for node in itertools.chain.from_iterable(ast.walk(tree) for tree in trees):
        if isinstance(node, ast.keyword) and node.arg:
            found.add(node.arg)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if re.fullmatch(r"\w+", node.value):
                found.add(node.value)
        elif isinstance(node, ast.alias):
            found.update((node.name, node.asname or node.name))
    return found


def _families(trees: Mapping[str, ast.AST]) -> dict[str, str]:
    """Return {path: a path of its family}: modules whose classes descend from each other."""
    defined = {
        node.name: path
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    family = {path: path for path in trees}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            for base in node.bases if isinstance(node, ast.ClassDef) else ():
                name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
                old, new = family[path], family[defined.get(name, path)]
                family = {each: new if its == old else its for each, its in family.items()}
    return family


def _fresh(prefix: str, taken: set[str]) -> Iterator[str]:
    for length in itertools.count(1):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            name = prefix + "".join(letters)
            if name not in taken:
                yield name


class _Renamer(ast.NodeTransformer):
    """Gives names of any use their short form."""

    def __init__(self, short: Mapping[str, str]) -> None:
        self._short = short

    def visit(self, node: ast.AST) -> ast.AST:
        for field in ("id", "attr", "name", "arg"):
            value = getattr(node, field, None)
            if isinstance(value, str) and not isinstance(node, ast.keyword | ast.alias):
                setattr(node, field, self._short.get(value, value))
        if isinstance(node, ast.Global | ast.Nonlocal):
            node.names = [self._short.get(name, name) for name in node.names]
        return self.generic_visit(node)


def _inline(tree: ast.Module, own: set[str]) -> set[str]:
    """Make constants of the module's private integers; return their names.

    They are given a value once, at the top of the module and before any other use.
    """
    stored = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name)
              and not isinstance(n.ctx, ast.Load)]  # fmt: skip
    elsewise = {name for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Global)
                for name in _names(node) if not isinstance(node, ast.Attribute)
                or name == node.attr}  # fmt: skip
    found = set()
    for statement in tree.body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            continue
        name, value = statement.targets[0].id, statement.value
        is_once = len(statement.targets) == 1 and stored.count(name) == 1
        is_integer = isinstance(value, ast.Constant) and type(value.value) is int
        if name not in own or name in elsewise or not is_once or not is_integer:
            continue
        if SMALLEST_INTEGER <= value.value <= LARGEST_INTEGER:  # type: ignore[attr-defined]
            statement.value = ast.Call(ast.Name("const", ast.Load()), [value], [])
            found.add(name)
    return found


def _shorten_parameters(tree: ast.Module, fixed: set[str]) -> None:
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


def _shorten_within(function: Function, around: set[str]) -> None:
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
    short = dict(zip(names, _fresh("", around | others), strict=False))
    for node in nodes:
        if isinstance(node, ast.Name):
            node.id = short.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = short.get(node.arg, node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            node.name = short.get(node.name, node.name)
        elif isinstance(node, ast.Nonlocal):
            node.names = [short.get(name, name) for name in node.names]
