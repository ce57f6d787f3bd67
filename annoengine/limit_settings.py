"""The limits that a person sets: in the recipe, and in a file that may change during the run.

A recipe says ``limits: {requests_per_minute: 500}`` at a model. The file ``limits.yaml`` in the
run's folder says it by the model's name, and is read again whenever it changes::

    openai/gpt-4o: {requests_per_minute: 300, concurrency: 16}
    gemini/gemini-2.5-pro: {tokens_per_minute: null}     # lifts what the recipe says

What the file does not say stays as in the recipe. A file with a mistake changes nothing: the
limits of before stay, and a note says where the mistake is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from annoengine.errors import InputError, UserError
from annoengine.registry import did_you_mean

LIMITS_FILE = "limits.yaml"
"""Its name in a run's folder."""


class LimitSettings(BaseModel):
    """Limits of one model; None is no limit of ours."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )
    requests_per_minute: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Requests a minute at most."""
    tokens_per_minute: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Tokens a minute at most, of requests and answers together."""
    concurrency: int | None = Field(default=None, ge=1)
    """Calls in flight at most; the provider's own bound holds too."""

    def changed_by(self, later: LimitSettings | None) -> LimitSettings:
        """These, but for what ``later`` says itself.

        >>> recipe = LimitSettings(requests_per_minute=500, concurrency=8)
        >>> recipe.changed_by(LimitSettings(requests_per_minute=None))
        LimitSettings(requests_per_minute=None, tokens_per_minute=None, concurrency=8)
        """
        if later is None:
            return self
        return self.model_copy(update={key: getattr(later, key) for key in later.model_fields_set})


def read_limits(path: Path, models: Collection[str] = ()) -> dict[str, LimitSettings]:
    """The limits in a file by model; none where there is no file.

    ``models`` are the names that the run knows, where it knows them. Raises InputError.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        what = getattr(error, "problem", None) or str(error)
        raise InputError(f"{where}: this is no YAML: {what}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise InputError(
            f"{path}:1: models and their limits are needed here, such as "
            f"'openai/gpt-4o: {{requests_per_minute: 300}}' (got {data!r})"
        )
    return {
        _name(name, models, path, node): _settings(entry, path, node, name)
        for name, entry in data.items()
    }


def _name(name: Any, models: Collection[str], path: Path, node: yaml.Node | None) -> str:
    if not isinstance(name, str) or (models and name not in models):
        raise InputError(
            f"{path}:{_line(node, name)}: this run asks no model called {name!r}."
            f"{did_you_mean(str(name), models)}"
        )
    return name


def _settings(entry: Any, path: Path, node: yaml.Node | None, name: str) -> LimitSettings:
    try:
        return LimitSettings.model_validate({} if entry is None else entry)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        keys = [str(key) for key in first["loc"]]
        where = f"{path}:{_line(node, name, *keys)}: {'.'.join([name, *keys])}"
        if first["type"] == "extra_forbidden":
            known = did_you_mean(keys[-1], LimitSettings.model_fields)
            raise InputError(f"{where}: unknown key {keys[-1]!r}.{known}") from None
        if first["type"] == "model_type":
            raise InputError(
                f"{where}: limits such as {{requests_per_minute: 300}} are needed here "
                f"(got {entry!r})"
            ) from None
        raise InputError(f"{where}: {first['msg']} (got {first['input']!r})") from None


def _line(node: yaml.Node | None, *keys: Any) -> int:
    """The line on which the longest known part of the keys stands."""
    line = 1
    for wanted in keys:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        node = None
        for key, value in pairs:
            if key.value == str(wanted):
                line, node = key.start_mark.line + 1, value
    return line


class LimitsFile:
    """A file of limits that is looked at again and again."""

    def __init__(self, path: Path, models: Collection[str] = ()) -> None:
        self.path = path
        self._models = models
        self._seen: object = None

    def look(self) -> dict[str, LimitSettings] | None:
        """What the file says now, or None where it is as it was when last looked at.

        Raises InputError for a mistake in it, once for each time that it changes.
        """
        now = self._identity()
        if now == self._seen:
            return None
        self._seen = now
        return read_limits(self.path, self._models)

    def _identity(self) -> object:
        try:
            stat = self.path.stat()
        except OSError as error:
            return type(error)
        return stat.st_mtime_ns, stat.st_size, stat.st_ino


async def watch(
    path: Path,
    apply: Callable[[Mapping[str, LimitSettings]], None],
    note: Callable[[str], None],
    models: Collection[str] = (),
    every_s: float = 1.0,
) -> None:
    """Gives ``apply`` what the file says, at first and whenever that changes, until cancelled.

    A file that is taken away says nothing: all is as in the recipe. ``note`` gets a sentence for
    each mistake; the limits of before stay then.
    """
    file = LimitsFile(path, models)
    while True:
        try:
            said = file.look()
            if said is not None:
                apply(said)
        except UserError as mistake:
            text = str(mistake)
            end = "" if text.endswith((".", "?")) else "."
            note(f"{text}{end} The limits stay as they were.")
        await asyncio.sleep(every_s)
