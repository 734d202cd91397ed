"""Which test modules need torch: those that import it when they are loaded, directly or through modules of ours.

The marker `torch` is theirs. `-m "not torch"` leaves them out before they are loaded, so all others run where torch is not installed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = ("agent", "models", "presets", "tests")
TORCH = "torch"


@cache
def needs_torch(path: Path) -> bool:
    """Whether the Python file at `path` imports torch when it is loaded."""
    seen: set[Path] = set()
    left = [path.resolve()]
    while left:
        module = left.pop()
        if module in seen:
            continue
        seen.add(module)
        for name in imports(module):
            if name.partition(".")[0] == TORCH:
                return True
            left.extend(files_of(name))
    return False


@cache
def imports(path: Path) -> tuple[str, ...]:
    """The full names that a module of ours imports when it is loaded, in functions excepted."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    found: list[str] = []
    for node in loaded_nodes(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            base += [node.module] if node.module else []
            found.append(".".join(base))
            found += [".".join([*base, alias.name]) for alias in node.names]
    return tuple(found)


def loaded_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes that run when a module is loaded: none in a function, none for type checkers alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        yield node
        yield from loaded_nodes(node)


def files_of(name: str) -> Iterator[Path]:
    """The files that are loaded for a full name: its packages, and the module itself. None for others' modules."""
    parts = name.split(".")
    if parts[0] not in OURS:
        return
    for end in range(1, len(parts) + 1):
        stem = ROOT.joinpath(*parts[:end])
        for file in (stem / "__init__.py", stem.with_suffix(".py")):
            if file.is_file():
                yield file
