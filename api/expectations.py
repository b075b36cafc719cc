"""Says in words what a field should have been, from pydantic's errors."""

from collections.abc import Mapping
from typing import Any


def expected_by(error: Mapping[str, Any]) -> str:
    """What the error's field should have been."""
    context = error.get("ctx") or {}
    if error["type"] == "value_error":  # a model's own check, whose words pydantic puts a prefix before
        return str(context.get("error", error["msg"])).removeprefix("expected ")[:300]
    pattern = _WORDS.get(error["type"])
    if pattern is None:
        return str(error["msg"])[:300]
    try:
        return pattern.format(**context)
    except KeyError:
        return str(error["msg"])[:300]


_WORDS: Mapping[str, str] = {
    "expected": "{words}",
    "missing": "a value",
    "extra_forbidden": "no field of this name",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "string_unicode": "text in UTF-8",
    "string_pattern_mismatch": "text that matches {pattern}",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "too_long": "at most {max_length} entries",
    "too_short": "at least {min_length} entries",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "dict_attributes_type": "an object",
    "literal_error": "one of {expected}",
    "enum": "one of {expected}",
    "uuid_parsing": "a GUID",
}
