"""Bicep files as their tests read them: parsed by tree-sitter's grammar, without Azure's own compiler."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import tree_sitter
import tree_sitter_bicep

INFRA = Path(__file__).resolve().parents[2] / "infra"
FILES = sorted(INFRA.rglob("*.bicep"))
PARAMETER_FILES = sorted(INFRA.rglob("*.bicepparam"))

_PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bicep.language()))


@dataclass
class Declared:
    """A parameter, variable, output, resource or module: its name, decorators and text."""

    kind: str
    name: str
    decorators: list[str]
    node: tree_sitter.Node
    text: str

    @property
    def description(self) -> str:
        found = [text for text in self.decorators if text.startswith("@description(")]
        return found[0].removeprefix("@description('").removesuffix("')") if found else ""

    @property
    def has_default(self) -> bool:
        return self.kind == "parameter" and any(child.type == "=" for child in self.node.children)


@dataclass
class BicepFile:
    """One file: what it declares, and where the grammar stumbled."""

    path: Path
    text: str
    errors: list[str]
    declared: list[Declared] = field(default_factory=list)

    def of(self, kind: str) -> dict[str, Declared]:
        return {one.name: one for one in self.declared if one.kind == kind}


@cache
def read(path: Path) -> BicepFile:
    text = path.read_text()
    if path.suffix == ".bicepparam":
        # The grammar wants a type after a parameter's name, which a parameter file has not.
        parsed = _without_first_word(text, "using").replace("\nparam ", "\nvar ")
    else:
        parsed = _without_first_word(text, "extension")  # younger than the grammar
    tree = _PARSER.parse(parsed.encode())
    found = BicepFile(path, text, list(_errors(tree.root_node)))
    decorators: list[str] = []
    for node in tree.root_node.children:
        if node.type == "decorators":
            decorators = [_text(child) for child in node.children]
        elif node.type.endswith("_declaration"):
            found.declared.append(_declared(node, decorators))
            decorators = []
    return found


def values_of(module: Declared) -> set[str]:
    """The names of the parameters that a module's declaration gives."""
    for pair in _pairs(_body(module.node)):
        if _text(pair.children[0]) == "params":
            return {_text(inner.children[0]) for inner in _pairs(pair.children[-1])}
    return set()


def walk(node: tree_sitter.Node):
    yield node
    for child in node.children:
        yield from walk(child)


def _without_first_word(text: str, word: str) -> str:
    return "".join("\n" if line.startswith(f"{word} ") else line for line in text.splitlines(keepends=True))


def _declared(node: tree_sitter.Node, decorators: list[str]) -> Declared:
    kind = node.type.removesuffix("_declaration")
    name = next((_text(child) for child in node.children if child.type == "identifier"), "")
    return Declared(kind, name, decorators, node, _text(node))


def _body(node: tree_sitter.Node) -> tree_sitter.Node:
    """The object of a declaration, also behind a loop or a condition."""
    return next(child for child in walk(node) if child.type == "object")


def _pairs(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    return [child for child in node.children if child.type == "object_property"]


def _errors(node: tree_sitter.Node):
    if node.type == "ERROR" or node.is_missing:
        yield f"line {node.start_point[0] + 1}: {_text(node)[:60]!r}"
    for child in node.children:
        yield from _errors(child)


def _text(node: tree_sitter.Node) -> str:
    return node.text.decode()
