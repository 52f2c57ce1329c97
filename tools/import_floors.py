"""Which room of ``pycore`` imports which: the floors of the house, and whether a stair leads back up.

    python tools/import_floors.py            the figures, and what breaks a rule (exit status 1)
    python tools/import_floors.py --floors   every room by floor, and the modules in it
    python tools/import_floors.py --arrows   every arrow between rooms

Every ``import`` counts, including those inside functions; those for type checkers alone do not, nor does the generated
code in ``pycore/_pb``. A room is a package; a loose module at the top counts as a room. A room that imports no other
stands on floor 1, any other one floor above the highest that it imports. ROOMS is their order: a room imports from
itself and from the rooms before it. Modules make no circles either, within a room or between rooms.
"""

from __future__ import annotations

import argparse
import ast
import functools
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "pycore"
GENERATED = "pycore._pb"
MOST_FLOORS = 13
MOST_PACKAGES = 28
# Files that may lie at the top of the package next to the rooms: its face, the errors, and what packaging needs.
LOOSE = {"__init__", "errors", "_version", "_core_build", "_http2_build"}
# Lowest first.
ROOMS = [
    "base", "hashing.gpu", "hashing", "signatures", "merkle", "ics23", "identities", "consensus", "ledgers",
    "ledgers.chainmaker", "ledgers.fabric", "ledgers.fabricx", "ledgers.fisco", "ledgers.conflux", "ledgers.ethereum",
    "ledgers.bif", "ledgers.xuper", "ledgers.cometbft",
    "collectibles", "bundle", "evidence", "wire", "client", "service.front", "service", "testing", "loadtest", "cli",
]  # fmt: skip


@functools.cache
def sources() -> dict[str, Path]:
    """Module name -> file, of all that is written by hand."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if not f"{name}.".startswith(f"{GENERATED}."):
            found[name] = path
    return found


class Imports(ast.NodeVisitor):
    """The modules of the package that one file imports."""

    def __init__(self, module: str, is_package: bool, modules: set[str]) -> None:
        """``module`` is the file's own name; ``modules`` all that there are."""
        self._here = module if is_package else module.rpartition(".")[0]
        self._modules = modules
        self.found: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        """Leave out what only type checkers read."""
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        """``import pycore.x``."""
        self.found |= {alias.name for alias in node.names} & self._modules

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """``from pycore.x import y``: the module y where there is one, else the module x."""
        base = node.module or ""
        if node.level:
            above = self._here.split(".")[: len(self._here.split(".")) - node.level + 1]
            base = ".".join([*above, base] if base else above)
        for alias in node.names:
            self.found |= {f"{base}.{alias.name}" if f"{base}.{alias.name}" in self._modules else base} & self._modules


def arrows() -> dict[str, set[str]]:
    """Module -> modules that it imports."""
    files = sources()
    graph = {}
    for name, path in files.items():
        visitor = Imports(name, path.name == "__init__.py", set(files))
        visitor.visit(ast.parse(path.read_text(encoding="utf-8")))
        graph[name] = visitor.found - {name}
    return graph


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach each other (Tarjan's strongly connected components of more than one module)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in index:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return found


def floors(graph: dict[str, set[str]]) -> dict[str, int]:
    """Module -> floor; the graph must have no circle."""
    known: dict[str, int] = {}

    def floor(name: str) -> int:
        if name not in known:
            known[name] = 1 + max((floor(other) for other in graph[name]), default=0)
        return known[name]

    return {name: floor(name) for name in sorted(graph)}


def rooms(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """The same between rooms: packages, and loose modules at the top."""

    def place(module: str) -> str:
        return room(module) or module

    found: dict[str, set[str]] = {place(name): set() for name in graph}
    for name, others in graph.items():
        found[place(name)] |= {place(other) for other in others} - {place(name)}
    return found


def room(module: str) -> str:
    """The package that a module lies in, without the leading name: "" for the top."""
    path = sources()[module]
    return ".".join(path.parent.relative_to(ROOT / PACKAGE).parts)


def faults(graph: dict[str, set[str]]) -> list[str]:
    """Every rule that the tree breaks, one line each."""
    found = [f"a circle of imports: {' '.join(group)}" for one in (graph, rooms(graph)) for group in circles(one)]
    if not found and (highest := max(floors(rooms(graph)).values())) > MOST_FLOORS:
        found.append(f"{highest} floors of imports, at most {MOST_FLOORS} are meant")
    packages = {room(name) for name in graph} - {""}
    found += [f"the package {name} is no room of ROOMS" for name in sorted(packages - set(ROOMS))]
    if len(packages) > MOST_PACKAGES:
        found.append(f"{len(packages)} packages, at most {MOST_PACKAGES} are meant")
    loose = {path.stem for path in (ROOT / PACKAGE).glob("*.py")} - LOOSE
    found += [f"a loose module at the top: {PACKAGE}/{name}.py" for name in sorted(loose)]
    order = {name: place for place, name in enumerate(ROOMS)}
    for name in sorted(graph):
        for other in sorted(graph[name]):
            upper, lower = room(name), room(other)
            if upper in order and lower in order and order[lower] > order[upper]:
                found.append(f"{name} imports {other}: {upper} is below {lower}")
    return found


def main() -> int:
    """Print the figures; the exit status is 1 where a rule is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--floors", action="store_true", help="list every module by floor")
    parser.add_argument("--arrows", action="store_true", help="list the arrows between rooms")
    wanted = parser.parse_args()
    graph = arrows()
    broken = faults(graph)
    houses = rooms(graph)
    if wanted.floors and not circles(houses):
        for name, floor in sorted(floors(houses).items(), key=lambda item: (item[1], item[0])):
            inside = [module.rpartition(".")[2] for module in sorted(graph) if room(module) == name]
            print(f"{floor:3}  {name:20} {' '.join(inside)}")
    if wanted.arrows:
        between: dict[tuple[str, str], int] = defaultdict(int)
        for name, others in graph.items():
            for other in others:
                if room(name) != room(other):
                    between[room(name) or PACKAGE, room(other) or PACKAGE] += 1
        for (upper, lower), count in sorted(between.items()):
            print(f"{upper:20} -> {lower:20} {count}")
    height = "circles" if circles(houses) else f"{max(floors(houses).values())} floors"
    packages = {room(name) for name in graph} - {""}
    print(f"{len(graph)} modules in {len(packages)} packages, {sum(map(len, houses.values()))} arrows, {height}")
    for line in broken:
        print(f"  {line}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
