"""The firmware's sources in, its syntax trees with every name told apart out."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Symbol:
    """What stands in a module under a name; without a name the module itself."""

    module: str
    name: str | None


@dataclass(frozen=True)
class Bound:
    """Where a name gets its meaning: `scope` is "module", "class", "local" or "outside".

    `symbol`: what it stands for when that is of the firmware.
    """

    scope: str
    symbol: Symbol | None = None


OUTSIDE, LOCAL, OF_CLASS = Bound("outside"), Bound("local"), Bound("class")


class Program:
    """Trees by module. Each Name, definition and alias of an import bears its Bound, `bound`.

    `bound`: {module: {name: Bound}} of what a module's own code defines and imports.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        """`sources`: {path: text}. Raises SyntaxError."""
        self.paths = {module_of(path): path for path in sorted(sources)}
        self.trees = {module: ast.parse(sources[path], path) for module, path in self.paths.items()}
        self.bound: dict[str, dict[str, Bound]] = {}
        self._origins: dict[Symbol, Symbol] = {}
        for module, tree in self.trees.items():
            self.bound[module] = _Binder(self, module).bind(tree)

    def target(self, module: str, name: str) -> Symbol | None:
        """Return what `from module import name` brings, None when it is not of the firmware."""
        if f"{module}.{name}" in self.trees:
            return Symbol(f"{module}.{name}", None)
        return Symbol(module, name) if module in self.trees else None

    def origin(self, symbol: Symbol) -> Symbol:
        """Return where a symbol is defined, through modules that only import it."""
        if symbol not in self._origins:
            self._origins[symbol] = self._origin(symbol)
        return self._origins[symbol]

    def _origin(self, symbol: Symbol) -> Symbol:
        for statement in self.trees[symbol.module].body:
            if symbol.name is None or not isinstance(statement, ast.ImportFrom):
                continue
            for alias in statement.names:
                found = self.target(statement.module or "", alias.name)
                if (alias.asname or alias.name) == symbol.name and found:
                    return self.origin(found)
        return symbol

    def nodes(self, modules: Iterable[str] | None = None) -> Iterator[ast.AST]:
        """Yield every node of the modules, of all by default."""
        for module in self.trees if modules is None else modules:
            yield from ast.walk(self.trees[module])

    def imports(self, module: str) -> Iterator[str]:
        """Yield the firmware's modules that a module imports when it is loaded, in order."""
        for statement in self.trees[module].body:
            if isinstance(statement, ast.ImportFrom):
                for alias in statement.names:
                    found = self.target(statement.module or "", alias.name)
                    if found:
                        yield found.module


def module_of(path: str) -> str:
    """Return the dotted name of a file's module."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def names_of(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node itself writes down."""
    for field in ("id", "attr", "name", "arg", "asname"):
        value = getattr(node, field, None)
        if isinstance(value, str):
            yield value
    if isinstance(node, ast.Global | ast.Nonlocal):
        yield from node.names


def symbol_of(node: ast.AST) -> Symbol | None:
    """Return what of the firmware a Name, or an attribute of a module, stands for."""
    if isinstance(node, ast.Name):
        bound: Bound = node.bound  # type: ignore[attr-defined]
        return bound.symbol
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        of = symbol_of(node.value)
        if of is not None and of.name is None:
            return Symbol(of.module, node.attr)
    return None


def is_of_module(node: ast.Attribute) -> bool:
    """Tell whether it is an attribute of a module, the firmware's or another."""
    value = node.value
    if not isinstance(value, ast.Name):
        return False
    bound: Bound = value.bound  # type: ignore[attr-defined]
    return getattr(value, "is_module", False) or (
        bound.symbol is not None and bound.symbol.name is None
    )


class _Scope:
    def __init__(self, kind: str, statements: Iterable[ast.AST]) -> None:
        self.kind = kind
        self.names: dict[str, Bound] = {}
        self.modules: set[str] = set()
        self.outer: set[str] = set()
        self.statements = list(statements)


class _Binder(ast.NodeVisitor):
    """Writes `bound` on the nodes of one module."""

    def __init__(self, program: Program, module: str) -> None:
        self._program = program
        self._module = module
        self._scopes: list[_Scope] = []

    def bind(self, tree: ast.Module) -> dict[str, Bound]:
        return self._within("module", tree.body, ())

    def _within(
        self, kind: str, statements: Iterable[ast.AST], names: Iterable[str]
    ) -> dict[str, Bound]:
        scope = _Scope(kind, statements)
        for name in names:
            scope.names[name] = LOCAL
        for statement in scope.statements:
            self._note(scope, statement, True)
        for name in scope.outer:
            scope.names.pop(name, None)
        self._scopes.append(scope)
        for statement in scope.statements:
            self.visit(statement)
        self._scopes.pop()
        return scope.names

    def _own(self, scope: _Scope, name: str) -> None:
        own = Bound("module", Symbol(self._module, name))
        plain = {"module": own, "class": OF_CLASS}.get(scope.kind, LOCAL)
        scope.names.setdefault(name, plain)

    def _note(self, scope: _Scope, node: ast.AST, is_top: bool) -> None:
        """Note what names a statement gives a meaning, without looking into other scopes."""
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            self._own(scope, node.name)
            return
        if isinstance(node, (*COMPREHENSIONS, ast.Lambda)):
            return
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._note_import(scope, node, is_top)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            scope.outer.update(node.names)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            self._own(scope, node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            self._own(scope, node.name)
        for child in ast.iter_child_nodes(node):
            self._note(scope, child, False)

    def _note_import(self, scope: _Scope, node: ast.Import | ast.ImportFrom, is_top: bool) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.split(".")[0]
            found = None
            if isinstance(node, ast.ImportFrom):
                found = self._program.target(node.module or "", alias.name)
            else:
                scope.modules.add(name)
            if found and scope.kind == "module" and not is_top:
                # One of several modules gives it its meaning: it is this module's own.
                self._own(scope, name)
            elif found:
                symbol = self._program.origin(found)
                scope.names[name] = Bound("module" if scope.kind == "module" else "local", symbol)
            else:
                scope.names[name] = OUTSIDE if scope.kind == "module" else LOCAL

    def _find(self, name: str) -> tuple[Bound, bool]:
        for depth, scope in enumerate(reversed(self._scopes)):
            if name in scope.names and (scope.kind != "class" or depth == 0):
                return scope.names[name], name in scope.modules
        return OUTSIDE, False

    def visit_Name(self, node: ast.Name) -> None:
        bound, is_module = self._find(node.id)
        node.bound = bound  # type: ignore[attr-defined]
        node.is_module = is_module  # type: ignore[attr-defined]

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        node.bound, _ = self._find(node.name)  # type: ignore[attr-defined]
        for each in (*node.bases, *node.keywords, *node.decorator_list):
            self.visit(each)
        self._within("class", node.body, ())

    def _visit_function(self, node: Any) -> None:
        if not isinstance(node, ast.Lambda):
            node.bound, _ = self._find(node.name)
            for each in node.decorator_list:
                self.visit(each)
        arguments = node.args
        own = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        own += [each for each in (arguments.vararg, arguments.kwarg) if each]
        annotations = [each.annotation for each in own] + [getattr(node, "returns", None)]
        for each in (*arguments.defaults, *arguments.kw_defaults, *annotations):
            if each is not None:
                self.visit(each)
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        self._within("function", body, (each.arg for each in own))

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _visit_function

    def _visit_comprehension(self, node: Any) -> None:
        self.visit(node.generators[0].iter)
        inner = [each.target for each in node.generators]
        inner += [each.iter for each in node.generators[1:]]
        inner += [condition for each in node.generators for condition in each.ifs]
        inner += [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._within("function", inner, ())

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension

    def _visit_global(self, node: Any) -> None:
        found = [self._find(name)[0] for name in node.names]
        node.bounds = found

    visit_Global = visit_Nonlocal = _visit_global

    def _visit_import(self, node: Any) -> None:
        node.scope = self._scopes[-1].kind
        node.is_top = node in self._scopes[-1].statements
        for alias in node.names:
            alias.bound, _ = self._find(alias.asname or alias.name.split(".")[0])
            alias.in_class = node.scope == "class"

    visit_Import = visit_ImportFrom = _visit_import
