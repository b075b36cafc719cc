"""The collections that Cairn fills in are those of Microsoft's own schema."""

import importlib
import re

import pytest

from shared.catalog import OBJECT_TYPES
from shared.entra.absent import COLLECTIONS

WITH_DELTA = [row for row in OBJECT_TYPES.values() if row.reading == "delta" and row.select]


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("row", WITH_DELTA, ids=lambda row: row.name)
def test_a_property_is_a_collection_exactly_where_the_schema_says_so(row: object) -> None:
    name, select = row.graph_type, row.select  # type: ignore[attr-defined]
    module = importlib.import_module(f"msgraph.generated.models.{snake(name)}")
    annotations: dict[str, object] = {}
    for model in reversed(getattr(module, name[0].upper() + name[1:]).__mro__):
        annotations.update(getattr(model, "__annotations__", {}))
    declared = {prop for prop in select if "list[" in str(annotations.get(snake(prop), ""))}
    assert declared == {prop for prop in select if prop in COLLECTIONS}
