"""Reads the options that a recipe gives to a provider, and says which one is wrong, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from annoengine.errors import RecipeError
from annoengine.registry import did_you_mean

Options = TypeVar("Options", bound=BaseModel)


def read_options(
    name: str, options: Mapping[str, Any], kind: type[Options], quote: bool = True
) -> Options:
    """The options of the model ``name``, checked.

    ``quote``: a wrong value is quoted; not where it may be a misplaced key. Raises RecipeError for
    an option that is unknown or wrong.
    """
    known = kind.model_fields
    for key in options:
        if key not in known:
            raise RecipeError(f"{name} has no option {key!r}.{did_you_mean(key, known)}")
    try:
        return kind.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=quote)[0]
        where = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        told = f", got {first['input']!r}" if quote else ""
        if not where:
            raise RecipeError(f"{name}: {what}") from None
        raise RecipeError(f"{name}: the option {where!r} is wrong: {what}{told}") from None
