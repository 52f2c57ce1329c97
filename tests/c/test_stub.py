"""pycore/_core.pyi repeats pycore.h for type checkers: every constant and function, with the right arguments."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
core: Any = importlib.import_module("pycore._core")


def stub_members() -> dict[str, ast.AST]:
    tree = ast.parse((ROOT / "pycore/_core.pyi").read_text(encoding="utf-8"))
    (body,) = (node.body for node in tree.body if isinstance(node, ast.ClassDef))
    found: dict[str, ast.AST] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
    return found


def test_same_names() -> None:
    assert set(stub_members()) == {name for name in dir(core.lib) if not name.startswith("_")}


def test_same_arguments() -> None:
    for name, node in stub_members().items():
        if not isinstance(node, ast.FunctionDef):
            assert isinstance(getattr(core.lib, name), int), name
            continue
        signature = core.ffi.typeof(getattr(core.lib, name))
        given = [ast.unparse(arg.annotation) for arg in node.args.posonlyargs if arg.annotation]
        wanted = ["Any" if arg.kind == "pointer" else "int" for arg in signature.args]
        assert given == wanted, name
        assert node.returns is not None
        assert ast.unparse(node.returns) == ("Any" if signature.result.kind == "pointer" else "int"), name
