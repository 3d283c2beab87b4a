"""House rules that no ready-made linter knows: queueing, café contexts, sizes, logical CSS."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from dev.paths import ROOT

SKIPPED = {".venv", "node_modules", "static_vendor", "var", "docs"}
LONGEST_FUNCTION = 40
LONGEST_FILE = 400
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
PHYSICAL_CSS = re.compile(
    r"(?<![\w-])(?:"
    r"(?:margin|padding|scroll-margin|scroll-padding)-(?:left|right)"
    r"|border-(?:left|right)(?:-\w+)?"
    r"|border-(?:top|bottom)-(?:left|right)-radius"
    r"|left|right)\s*:"
    r"|(?:text-align|float|clear)\s*:\s*(?:left|right)\b"
)


def python_files() -> Iterator[tuple[Path, ast.Module]]:
    """Every Python file of the project with its syntax tree."""
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).parts
        if not any(part in SKIPPED or part.startswith(".") for part in parts):
            yield path, ast.parse(path.read_text(encoding="utf-8"), str(path))


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def queueing(path: Path, tree: ast.Module) -> Iterator[str]:
    """Tasks are queued by ``core.tasks.enqueue`` only: a bare ``.delay`` forgets the café and the transaction."""
    if path.is_relative_to(ROOT / "servaan_crm" / "core"):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("delay", "apply_async"):
                yield f"{path.relative_to(ROOT)}:{node.lineno}: use core.tasks.enqueue instead of .{node.func.attr}"


def cafe_context(path: Path, tree: ast.Module) -> Iterator[str]:
    """``with tenant:`` does not restore the previous café on the connection; ``tenant_context(tenant)`` does."""
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.With | ast.AsyncWith)]
    for node in blocks:
        for item in node.items:
            if _name(item.context_expr) in ("tenant", "cafe"):
                yield f"{path.relative_to(ROOT)}:{node.lineno}: use 'with tenant_context(...)'"


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its decorators and docstring."""
    first = node.body[0]
    documented = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (node.end_lineno or 0) - node.lineno + 1 - docstring


def sizes(path: Path, tree: ast.Module) -> Iterator[str]:
    """A function fits on a screen and a file has one subject. Tests, migrations and settings are free."""
    name = path.relative_to(ROOT)
    if {"tests", "migrations", "settings"} & set(name.parts):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _body_lines(node) > LONGEST_FUNCTION:
            yield f"{name}:{node.lineno}: {node.name} has {_body_lines(node)} lines; at most {LONGEST_FUNCTION}"
    total = len(path.read_text(encoding="utf-8").splitlines())
    if total > LONGEST_FILE:
        yield f"{name}: {total} lines; at most {LONGEST_FILE}: split it by subject"


def logical_css() -> Iterator[str]:
    """Own style sheets name no left or right: Persian and English pages share them.

    A line with ``/* physical: why */`` is excused.
    """
    for path in sorted((ROOT / "static").rglob("*.css")):
        text = path.read_text(encoding="utf-8")
        excused = {number for number, line in enumerate(text.splitlines(), 1) if "/* physical:" in line}
        bare = COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
        for number, line in enumerate(bare.splitlines(), 1):
            found = PHYSICAL_CSS.search(line)
            if found and number not in excused:
                place = f"{path.relative_to(ROOT)}:{number}"
                yield f"{place}: physical direction '{found[0].strip()}'; use the logical property"


CHECKS: tuple[Callable[[Path, ast.Module], Iterator[str]], ...] = (queueing, cafe_context, sizes)


def main() -> int:
    """Print every breach; 1 when there is one."""
    faults = [fault for path, tree in python_files() for check in CHECKS for fault in check(path, tree)]
    faults += logical_css()
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
