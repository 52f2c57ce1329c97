"""Imports go down and make no circle: tools/import_floors.py is the rule and its measure."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[1] / "tools" / "import_floors.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    found = importlib.util.spec_from_file_location("import_floors", TOOL)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_imports_only_go_down(tool: ModuleType) -> None:
    assert tool.faults(tool.arrows()) == []


def test_what_breaks_a_rule_is_found(tool: ModuleType) -> None:
    graph = tool.arrows()
    graph["pycore.base.columns"] = graph["pycore.base.columns"] | {"pycore.merkle.tree"}
    found = tool.faults(graph)
    assert any(line.startswith("a circle of imports: ") and "pycore.base.columns" in line for line in found)
    assert "pycore.base.columns imports pycore.merkle.tree: base is below merkle" in found


def test_imports_inside_functions_and_for_type_checkers(tool: ModuleType) -> None:
    graph = tool.arrows()
    assert "pycore.merkle.sparse_jit" in graph["pycore.merkle.sparse"]  # imported where it is first used
    assert "pycore.signatures.keycache" not in graph["pycore.base.backends"]  # for its annotations alone
