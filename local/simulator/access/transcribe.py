"""Write the table of `reference` anew: `python -m local.simulator.access.transcribe permissions.json > …tsv`.

Its argument is Microsoft's published `permissions/new/permissions.json` (microsoft-graph-devx-content).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.simulator import model

# Operations that a path of the simulator can end in; the model knows the rest.
OPERATIONS = (
    "delta", "restore", "assignLicense", "addPassword", "removePassword", "addKey", "removeKey", "instantiate",
    "addTokenSigningCertificate", "updateAllowedCombinations", "usage", "getMemberGroups", "getMemberObjects",
    "checkMemberGroups", "checkMemberObjects", "renew", "addGroup", "removeGroup", "revokeSignInSessions", "verify",
    "promote", "forceDelete", "resetToSystemDefault", "validateProperties", "start", "pause", "restart",
    "backgroundImage", "bannerLogo", "customCSS", "favicon", "headerLogo", "squareLogo", "squareLogoDark", "logo",
    "photo/$value", "reprocessLicenseAssignment", "retryServiceProvisioning",
)  # fmt: skip


def transcribe(published: dict[str, Any]) -> Iterator[str]:
    """The rows of the table, sorted, from Microsoft's published document."""
    wanted = set(_paths())
    lines: dict[tuple[str, str], dict[str, set[str]]] = {}
    for name, permission in published["permissions"].items():
        for path_set in permission["pathSets"]:
            for path, notes in path_set["paths"].items():
                bare = re.sub(r"\([^)]*\)", "", re.sub(r"\{[^}]*\}", "{id}", path.lower())).strip("/")
                if bare not in wanted:
                    continue
                beside = re.search(r"AlsoRequires=([\w.,-]+)", notes or "")
                said = {"+".join(sorted((name, each))) for each in beside.group(1).split(",")} if beside else {name}
                for method in path_set["methods"]:
                    line = lines.setdefault((method, bare), {})
                    for scheme in path_set["schemeKeys"]:
                        line.setdefault(scheme, set()).update(said)
    yield "method\tpath\tapplication\tuser"
    for (method, bare), schemes in sorted(lines.items(), key=lambda each: (each[0][1], each[0][0])):
        sides = (" ".join(_apart(method, schemes.get(scheme, set()))) for scheme in ("Application", "DelegatedWork"))
        yield "\t".join((method, bare, *sides))


def _apart(method: str, said: set[str]) -> list[str]:
    # what is listed alone as well as beside another is the other half of a pair: it does not suffice to write
    if method == "GET":
        return sorted(said)
    beside = {half for each in said if "+" in each for half in each.split("+")}
    return sorted(said - beside)


def _paths() -> Iterator[str]:
    """Every path of the model, two relations deep, with the operations on each."""
    roots = [(each.path, each.type, True) for each in model.SETS]
    roots += [(each.path, each.type, False) for each in model.SINGLETONS]
    roots += [(path, table, True) for path, (table, _) in model.BINS.items()]
    roots += [("directory/deletedItems", "directoryObject", True), ("directoryObjects", "directoryObject", True)]
    for path, type_name, many in roots:
        yield from _under(path, type_name, many=many, deep=3)


def _under(path: str, type_name: str, *, many: bool, deep: int) -> Iterator[str]:
    places = (path, f"{path}/{{id}}") if many else (path,)
    for place in places:
        yield place.lower()
        for operation in ("$ref", *OPERATIONS):
            yield f"{place}/{operation}".lower()
    if deep:
        for each in model.NAVIGATION:
            if each.source == type_name and each.target != "directoryObject":
                yield from _under(f"{places[-1]}/{each.name}", each.target, many=not each.single, deep=deep - 1)
            elif each.source == type_name:
                yield from _under(f"{places[-1]}/{each.name}", "", many=not each.single, deep=0)


if __name__ == "__main__":
    print("\n".join(transcribe(json.loads(Path(sys.argv[1]).read_text("utf-8")))))
