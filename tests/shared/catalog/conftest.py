"""Microsoft's schema as its generated SDKs have it, read from their source by syntax and never imported (quick)."""

import ast
import functools
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.catalog.row import Version

_PACKAGES = {"v1.0": "msgraph", "beta": "msgraph_beta"}


def snake(name: str) -> str:
    """A name of Microsoft's schema as kiota names files: `oAuth2PermissionGrant` → `o_auth2_permission_grant`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return spaced.lower()


@dataclass(frozen=True)
class Model:
    """A generated model: its properties (own and inherited), and those of them that are relations to entities."""

    names: frozenset[str]
    relations: frozenset[str]


class SdkSchema:
    """Properties of types, and addresses, of one version of Microsoft Graph."""

    def __init__(self, version: Version) -> None:
        spec = importlib.util.find_spec(_PACKAGES[version])
        assert spec is not None
        assert spec.submodule_search_locations is not None
        self.root = Path(next(iter(spec.submodule_search_locations))) / "generated"

    @functools.cache  # noqa: B019 - lives as long as the test session
    def model(self, graph_type: str) -> Model:
        """The model of a type named as in rows: `user`, `entraRecoveryServices.snapshot`."""
        *spaces, name = graph_type.split(".")
        return self._model("/".join([*(snake(space) for space in spaces), snake(name)]))

    @functools.cache  # noqa: B019
    def _model(self, stem: str) -> Model:
        path = self.root / "models" / f"{stem}.py"
        tree = ast.parse(path.read_text())
        body = next(node for node in tree.body if isinstance(node, ast.ClassDef))
        names: set[str] = set()
        relations: set[str] = set()
        for base in self._bases(stem):
            inherited = self._model(base)
            names |= inherited.names
            relations |= inherited.relations
        reader = next(
            node for node in body.body
            if isinstance(node, ast.FunctionDef) and node.name == "get_field_deserializers"
        )
        table = next(node for node in ast.walk(reader) if isinstance(node, ast.Dict))
        imports = self._imports(stem)
        for key, value in zip(table.keys, table.values, strict=True):
            assert isinstance(key, ast.Constant)
            if key.value == "@odata.type":
                continue
            names.add(key.value)
            types = [node.id for node in ast.walk(value) if isinstance(node, ast.Name) and node.id in imports]
            if any(self._is_entity(imports[one]) for one in types):
                relations.add(key.value)
        return Model(frozenset(names), frozenset(relations))

    @functools.cache  # noqa: B019
    def _imports(self, stem: str) -> dict[str, str]:
        """Class name → file stem, for the models that a model's file names."""
        text = (self.root / "models" / f"{stem}.py").read_text()
        folder = stem.split("/")[:-1]
        found = {}
        for dots, module, name in re.findall(r"^ *from (\.+)([\w.]+) import (\w+)$", text, re.MULTILINE):
            place = folder[: len(folder) - len(dots) + 1]
            found[name] = "/".join([*place, *module.split(".")])
        return found

    @functools.cache  # noqa: B019
    def _bases(self, stem: str) -> tuple[str, ...]:
        text = (self.root / "models" / f"{stem}.py").read_text()
        match = re.search(r"^class \w+\(([^)]*)\)", text, re.MULTILINE)
        if match is None:
            return ()
        imports = self._imports(stem)
        return tuple(imports[base] for base in match[1].replace(" ", "").split(",") if base in imports)

    @functools.cache  # noqa: B019
    def _is_entity(self, stem: str) -> bool:
        if not (self.root / "models" / f"{stem}.py").exists():
            return False
        return stem == "entity" or any(self._is_entity(base) for base in self._bases(stem))

    def has_address(self, path: str) -> bool:
        """Whether a request builder exists for this path, its `{parameters}` standing for any id."""
        steps = [step for step in re.sub(r"\(.*?\)|\?.*", "", path).strip("/").split("/") if step != "$ref"]
        folder = self.root
        for step in steps:
            # An id: a parameter, the default localization, or the one publishing profile that Entra has.
            an_id = step.startswith("{") or step in ("0", "applicationProxy")
            name = "item" if an_id else re.sub(r"[._]", "", step.removeprefix("microsoft.")).lower()
            below = [one for one in folder.iterdir() if one.is_dir() and one.name.replace("_", "") == name]
            if not below:
                return False
            folder = below[0]
        return any(folder.glob("*_request_builder.py"))


@pytest.fixture(scope="session")
def v1() -> SdkSchema:
    return SdkSchema("v1.0")


@pytest.fixture(scope="session")
def beta() -> SdkSchema:
    return SdkSchema("beta")
