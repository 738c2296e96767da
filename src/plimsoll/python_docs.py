"""The documentation of the Python on this machine as documents: every docstring of its standard library, read and never imported."""

from __future__ import annotations

import ast
import json
import sysconfig
from collections.abc import Iterator
from pathlib import Path

LEAST_WORDS = 8  # of a docstring that says something
_NOT_ITS = frozenset(
    ("test", "tests", "idle_test", "site-packages", "dist-packages", "__phello__", "lib2to3", "__pycache__")
)
_KINDS = {ast.Module: "module", ast.ClassDef: "class", ast.FunctionDef: "function", ast.AsyncFunctionDef: "function"}
_LOCAL = "<locals>"  # as Python itself names what is within a function
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def standard_library() -> Path:
    return Path(sysconfig.get_paths()["stdlib"])


def files(library: Path) -> Iterator[Path]:
    """The source files of a library in order, tests apart."""
    for file in sorted(library.rglob("*.py")):
        if not _NOT_ITS & set(file.relative_to(library).parts):
            yield file


def told(file: Path) -> Iterator[tuple[str, str, str]]:
    """What a file documents: (name within the module, kind, docstring) of the module itself, whose name is "", and of its classes,
    methods and functions; docstrings of a few words are left out.

    Kinds are module, class, method and function. A file that is no Python says nothing: some are wrong on purpose.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return
    yield from _told(tree, "", False)


def _told(node: Documented, name: str, within: bool) -> Iterator[tuple[str, str, str]]:
    text = ast.get_docstring(node)
    if text and len(text.split()) >= LEAST_WORDS:
        kind = _KINDS[type(node)]
        yield name, "method" if within and kind == "function" else kind, text
    for child in _children(node):
        inner = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        below = f"{name}.{_LOCAL}.{child.name}" if inner else f"{name}.{child.name}".removeprefix(".")
        yield from _told(child, below, isinstance(node, ast.ClassDef))


def _children(node: ast.AST) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """The classes and functions right within a node: also those in an ``if`` or a ``try``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
        else:
            yield from _children(child)


def documents(library: Path) -> Iterator[dict[str, str]]:
    """Documents with the keys id, title, text, package and kind; ids such as ``textwrap.shorten``, each once. What is within a function
    or begins with one underscore is nobody's to look up.
    """
    seen: set[str] = set()
    for file in files(library):
        module = _module(file.relative_to(library))
        for name, kind, text in told(file):
            id = f"{module}.{name}" if name else module
            private = any(part.startswith("_") and not part.startswith("__") for part in id.split("."))
            if not private and _LOCAL not in id and id not in seen:
                seen.add(id)
                yield {
                    "id": id,
                    "title": id.replace(".", " "),
                    "text": text,
                    "package": module.partition(".")[0],
                    "kind": kind,
                }


def _module(path: Path) -> str:
    """
    >>> _module(Path("email/message.py")), _module(Path("json/__init__.py"))
    ('email.message', 'json')
    """
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def write(folder: Path, library: Path | None = None) -> Path:
    """The documents of a library, the standard one unless another is named, as ``python_docs.jsonl`` in the folder."""
    path = folder / "python_docs.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for each in documents(library or standard_library()):
            file.write(json.dumps(each) + "\n")
    return path
