"""Lets a field's refusal say in words what was expected, rather than in pydantic's own."""

from typing import Any

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError


def expecting(words: str) -> WrapValidator:
    """Replaces whatever the field's own check says by `words`, under the error type `expected`."""

    def check(value: Any, inner: ValidatorFunctionWrapHandler) -> Any:
        try:
            return inner(value)
        except ValidationError:
            raise PydanticCustomError("expected", "{words}", {"words": words}) from None

    return WrapValidator(check)
