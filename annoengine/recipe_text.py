"""The text of a recipe: its YAML form, where each key stands, and what the command line changes.

::

    name: pix2cap
    seed: 7
    inputs:                          # --input images=…
      images: ../examples/…          # relative to the recipe
    source:
      coco_panoptic: {}
    models:                          # --model annotator=openai/gpt-4o
      annotator: pixels              # or several, and remedies: annoengine.model_chain
    stages:                          # --set annotate.repair=0
      - mark: {style: pix2cap}
      - annotate: {prompts: […]}
    exports:
      - pix2cap: {pad: category}
    run: {shard_size: 100}           # how it is carried out: changes no record
    budget: {usd: 25}                # new calls stop before more could be spent

Errors name the file, the line, the key, and the nearest name that is known.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from annoengine.errors import RecipeError
from annoengine.model_chain import Model, RoleText
from annoengine.prompt import PACKAGED
from annoengine.registry import did_you_mean


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Retries(_Closed):
    """How patiently a call is tried."""

    tries: int = Field(default=6, ge=1)
    """The most tries of one call before it counts as given up."""
    first_wait_s: float = Field(default=0.5, gt=0)
    """The longest first wait; later ones double."""
    longest_wait_s: float = Field(default=60.0, gt=0)
    """No wait of our own is longer."""


class Ceiling(_Closed):
    """How many failed records end a run."""

    share: float = Field(default=0.2, ge=0, le=1)
    """The run stops when a larger share of a stage's records failed …"""
    after: int = Field(default=50, ge=1)
    """… once so many of them failed."""


class RunSettings(_Closed):
    """How a recipe is carried out; none of it changes a record."""

    shard_size: int = Field(default=100, ge=1)
    """Records in a shard."""
    workers: int | None = Field(default=None, ge=0)
    """Processes of the CPU pool; unset: one a core."""
    executor: str = "local"
    """Who carries the shards."""
    images: Literal["keep", "redraw"] = "keep"
    """Keep drawn pictures beside the shard, or draw them again when they are needed."""
    retries: Retries = Retries()
    """The retry policy of calls."""
    failures: Ceiling = Ceiling()
    """When failing records stop the run."""


class BudgetText(_Closed):
    """What a run may spend."""

    usd: float | None = Field(default=None, gt=0)
    """US dollars over all sessions of the run; unset: no cap."""


class RecipeText(_Closed):
    """The content of a recipe file, checked for form."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """The name of the recipe, and of its run's folder."""
    about: str = ""
    """What it makes, in a sentence or two."""
    seed: int = 0
    """Every random choice follows from it and the record's id."""
    inputs: dict[str, str] = {}
    """Paths that the source reads, relative to the recipe."""
    source: dict[str, dict[str, Any] | None]
    """Where records begin: one source and its parameters."""
    models: dict[str, str | list[str | dict[str, Any]] | dict[str, Any]] = {}
    """Roles and the models behind them."""
    stages: list[dict[str, Any]]
    """What happens to each record, in order."""
    exports: list[dict[str, dict[str, Any] | None]] = []
    """What leaves the run."""
    run: RunSettings = RunSettings()
    """How it is carried out."""
    budget: BudgetText = BudgetText()
    """What it may spend."""


class Lines:
    """Where each key of a YAML file stands."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self._lines: dict[tuple[str | int, ...], int] = {}
        with contextlib.suppress(yaml.YAMLError):
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            if node is not None:
                self._walk(node, ())

    def _walk(self, node: yaml.Node, path: tuple[str | int, ...]) -> None:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = (*path, key.value)
                self._lines[inner] = key.start_mark.line + 1
                self._walk(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                self._walk(value, (*path, number))

    def where(self, path: Sequence[str | int]) -> str:
        """``file:line: key``, for the longest part of the path that the file has."""
        known = tuple(path)
        while known and known not in self._lines:
            known = known[:-1]
        line = self._lines.get(known, 1)
        key = ".".join(str(part) for part in path)
        return f"{self.path}:{line}: {key}" if key else f"{self.path}:{line}"


def _first_error(error: ValidationError) -> tuple[tuple[str | int, ...], str, str]:
    first = error.errors(include_url=False)[0]
    return tuple(first["loc"]), first["type"], first["msg"]


Checked = TypeVar("Checked", bound=BaseModel)


def _known_keys(model: type[BaseModel], inside: Sequence[str | int]) -> set[str]:
    """The keys that a model, or the closed model that stands inside it, knows."""
    fields = model.model_fields
    for part in inside:
        annotation = fields[str(part)].annotation if str(part) in fields else None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            fields = annotation.model_fields
    return set(fields)


def check(model: type[Checked], data: Any, lines: Lines, path: tuple[str | int, ...]) -> Checked:
    """The data as the model, or a RecipeError that names the place and the nearest key."""
    try:
        return model.model_validate({} if data is None else data)
    except ValidationError as error:
        inside, kind, message = _first_error(error)
        where = lines.where((*path, *inside))
        if kind == "extra_forbidden":
            known = _known_keys(model, inside[:-1])
            raise RecipeError(
                f"{where}: unknown key {inside[-1]!r}.{did_you_mean(str(inside[-1]), known)}"
            ) from None
        if kind == "missing":
            raise RecipeError(f"{where}: {inside[-1]!r} is needed and not there") from None
        wrong = error.errors(include_url=False)[0]["input"]
        raise RecipeError(f"{where}: {message} (got {wrong!r})") from None


def one(data: Mapping[str, Any], lines: Lines, path: tuple[str | int, ...], what: str) -> str:
    if len(data) != 1:
        raise RecipeError(
            f"{lines.where(path)}: one {what} by its name is needed here, not {len(data)} "
            f"({', '.join(map(str, data)) or 'none'})"
        )
    return str(next(iter(data)))


def recipe_folders() -> list[Path]:
    """Where recipes are looked for by name."""
    folders = [PACKAGED / "recipes", Path(__file__).parent.parent / "recipes"]
    return [folder for folder in folders if folder.is_dir()]


def find_recipe(name: str) -> Path:
    """A recipe file, by path or by the name of a packaged one. Raises RecipeError."""
    path = Path(name)
    if path.is_file():
        return path
    if path.is_dir():
        raise RecipeError(f"{name} is a folder; a recipe is a YAML file")
    for folder in recipe_folders():
        packaged = folder / f"{name}.yaml"
        if "/" not in name and packaged.is_file():
            return packaged
    known = {p.stem for folder in recipe_folders() for p in folder.glob("*.yaml")}
    stem = path.stem if path.suffix in (".yaml", ".yml") else name
    raise RecipeError(f"there is no recipe {name}.{did_you_mean(stem, known)}")


def set_value(data: dict[str, Any], assignment: str) -> None:
    """Puts one ``--set place.key=value`` into the data of a recipe."""
    place, equals, value = assignment.partition("=")
    parts = place.strip().split(".")
    if not equals or (len(parts) < 2 and parts[0] not in ("seed", "name")):
        raise RecipeError(
            f"--set {assignment!r} is not of the form stage.key=value "
            "(also source.key, models.role, exports.name.key, run.key, budget.usd, seed)"
        )
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise RecipeError(f"--set {assignment!r}: the value is no YAML: {error}") from None
    first, *rest = parts
    target: Any = data
    if first in ("run", "models", "inputs", "seed", "name", "source", "exports", "budget"):
        if first == "source":
            source = data.setdefault("source", {})
            kind = next(iter(source), "")
            source[kind] = target = source.get(kind) or {}
        elif first == "exports":
            named = [e for e in data.get("exports", []) if rest and rest[0] in e]
            if not named or len(rest) < 2:
                raise RecipeError(f"--set {assignment!r}: the recipe has no such export")
            named[0][rest[0]] = target = named[0][rest[0]] or {}
            rest = rest[1:]
        elif rest:
            target = data.setdefault(first, {})
        else:
            rest = [first]
    else:
        stages = {stage_name(s): s for s in data.get("stages", []) if isinstance(s, dict)}
        if first not in stages:
            raise RecipeError(
                f"--set {assignment!r}: the recipe has no stage {first!r}."
                f"{did_you_mean(first, [*stages, 'source', 'run', 'models', 'exports'])}"
            )
        entry = stages[first]
        kind = next(key for key in entry if key != "as")
        # A stage may be written by one word (`review: none`); settings take its place.
        entry[kind] = target = entry[kind] if isinstance(entry[kind], dict) else {}
    for part in rest[:-1]:
        if not isinstance(target.get(part), dict):
            target[part] = {}
        target = target[part]
    target[rest[-1]] = parsed


def role_of(entry: Any, lines: Lines, path: tuple[str | int, ...]) -> RoleText:
    """A role in its longest form, from any of its forms; see :mod:`annoengine.model_chain`."""
    if isinstance(entry, dict) and "models" in entry:
        listed, rest = entry["models"], {k: v for k, v in entry.items() if k != "models"}
        inside: tuple[str | int, ...] = (*path, "models")
    else:
        listed, rest, inside = entry, {}, path
    if not isinstance(listed, list):
        listed = [listed]
        models = [_model(listed[0], lines, inside)]
    else:
        models = [_model(one, lines, (*inside, n)) for n, one in enumerate(listed)]
    return check(RoleText, {**rest, "models": models}, lines, path)


def _model(entry: Any, lines: Lines, path: tuple[str | int, ...]) -> Model:
    return check(Model, {"model": entry} if isinstance(entry, str) else entry, lines, path)


def with_models(before: Any, names: str) -> Any:
    """A role's entry with other models (``a,b``); options stay with one, remedies with all."""
    listed: list[Any] = [name.strip() for name in names.split(",")]
    if isinstance(before, dict) and "models" in before:
        kept = {k: v for k, v in before.items() if k not in ("models", "escalate_when")}
        if "escalate_when" in before and len(listed) > 1:
            kept["escalate_when"] = before["escalate_when"]
        return {"models": listed, **kept}
    options = before.get("options") if isinstance(before, dict) else None
    if len(listed) == 1:
        return {"model": listed[0], "options": options} if options else listed[0]
    return listed


def stage_name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("as") or next((key for key in entry if key != "as"), ""))


@dataclass(frozen=True)
class Overrides:
    """What the command line says differently."""

    inputs: Mapping[str, str] | None = None
    models: Mapping[str, str] | None = None
    settings: Sequence[str] = ()
    source: str | None = None
