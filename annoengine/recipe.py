"""A recipe: which dataset to make. Everything is checked before anything is done.

:mod:`annoengine.recipe_text` has its YAML form; here every name is resolved, every prompt loaded,
every plug-in's parameters checked by the plug-in, and every hand-over from stage to stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from annoengine import registry
from annoengine.compute import default_workers
from annoengine.errors import RecipeError
from annoengine.exporter import Exporter
from annoengine.fingerprint import fingerprint
from annoengine.prompt import load_prompt, prompt_hashes
from annoengine.recipe_text import (
    Lines,
    Model,
    Overrides,
    RecipeText,
    check,
    find_recipe,
    one,
    set_value,
    stage_name,
)
from annoengine.registry import did_you_mean
from annoengine.source import Source
from annoengine.stage import Setup, Stage


@dataclass(frozen=True)
class BuiltStage:
    """A stage of the recipe, ready to run. ``made_of`` is all that its output depends on."""

    name: str
    kind: str
    stage: Stage
    made_of: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """The hash of ``made_of``."""
        return fingerprint(self.made_of)


@dataclass(frozen=True)
class BuiltExport:
    """An exporter of the recipe."""

    name: str
    exporter: Exporter


@dataclass(frozen=True)
class Recipe:
    """A checked recipe: every name resolved, every prompt loaded, every hand-over possible."""

    text: RecipeText
    path: Path
    source_kind: str
    source: Source
    stages: tuple[BuiltStage, ...]
    exports: tuple[BuiltExport, ...]
    models: Mapping[str, Model]
    providers: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.text.name

    @property
    def workers(self) -> int:
        """Processes of the CPU pool."""
        return default_workers() if self.text.run.workers is None else self.text.run.workers

    def prompts(self) -> dict[str, Any]:
        """Every prompt that a stage may use, by name."""
        return {p.name: p for built in self.stages for p in built.stage.prompts()}

    def to_yaml(self) -> str:
        """The resolved recipe: absolute inputs, every setting as it will be used."""
        data = self.text.model_dump(mode="json")
        data["inputs"] = {name: str(path) for name, path in self.source.inputs.items()}
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def load_recipe(name: str | Path, overrides: Overrides | None = None) -> Recipe:
    """The recipe of a path or packaged name, with the command line's changes, all checked.

    Raises RecipeError or InputError with the file, line and key.
    """
    overrides = overrides or Overrides()
    path = find_recipe(str(name))
    text = path.read_text(encoding="utf-8")
    lines = Lines(path, text)
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"{path} is no YAML: {error}") from None
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: a recipe is a mapping with name, source and stages")
    if overrides.source is not None:
        # Inputs and settings are the other source's: none of them may reach this one.
        data["source"] = {overrides.source: {}}
        data["inputs"] = {}
    for assignment in overrides.settings:
        set_value(data, assignment)
    for role, model in (overrides.models or {}).items():
        known = data.get("models") or {}
        if role not in known:
            raise RecipeError(f"--model {role}={model}: no such role.{did_you_mean(role, known)}")
        before = known[role]
        options = before.get("options", {}) if isinstance(before, dict) else {}
        data["models"][role] = {"model": model, "options": options} if options else model
    checked = check(RecipeText, data, lines, ())
    return _build(checked, path, lines, overrides.inputs or {})


def _build(text: RecipeText, path: Path, lines: Lines, given_inputs: Mapping[str, str]) -> Recipe:
    models = {role: _model(text, role, lines) for role in text.models}
    source_kind = one(text.source, lines, ("source",), "source")
    source = _build_source(text, source_kind, path, lines, given_inputs)
    stages = _build_stages(text, models, path, lines, set(source.GIVES))
    given = set(source.GIVES).union(*(b.stage.GIVES for b in stages))
    exports = []
    for number, entry in enumerate(text.exports):
        where = ("exports", number)
        kind = one(entry, lines, where, "exporter")
        exporter = _plugin("exporter", kind, lines, (*where, kind))
        parameters = check(exporter.Parameters, entry[kind], lines, (*where, kind))
        _hand_over(exporter.NEEDS, given, f"the export {kind!r}", lines.where((*where, kind)))
        exports.append(BuiltExport(kind, exporter(parameters)))
    providers: dict[str, Any] = {}
    shared: dict[str, Any] = {}
    for role, model in models.items():
        key = fingerprint(model.model_dump(mode="json"))
        if key not in shared:
            shared[key] = _provider(model, lines.where(("models", role)))
        providers[role] = shared[key]
    return Recipe(
        text=text,
        path=path,
        source_kind=source_kind,
        source=source,
        stages=tuple(stages),
        exports=tuple(exports),
        models=models,
        providers=providers,
    )


def _plugin(kind: registry.Kind, name: str, lines: Lines, path: tuple[str | int, ...]) -> Any:
    try:
        return registry.find(kind, name)
    except RecipeError as error:
        raise RecipeError(f"{lines.where(path)}: {error}") from None


def _model(text: RecipeText, role: str, lines: Lines) -> Model:
    entry = text.models[role]
    if isinstance(entry, str):
        return Model(model=entry)
    return check(Model, entry, lines, ("models", role))


def _provider(model: Model, where: str) -> Any:
    kind, _, rest = model.model.partition("/")
    try:
        return registry.find("provider", kind)(rest, model.options)
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from None


def _build_source(
    text: RecipeText, kind: str, path: Path, lines: Lines, given: Mapping[str, str]
) -> Source:
    found = _plugin("source", kind, lines, ("source",))
    parameters = check(found.Parameters, text.source[kind], lines, ("source", kind))
    unknown = sorted((given.keys() | text.inputs.keys()) - found.INPUTS.keys())
    if unknown:
        raise RecipeError(
            f"{lines.where(('inputs', unknown[0]))}: the source {kind!r} has no input "
            f"{unknown[0]!r}.{did_you_mean(unknown[0], found.INPUTS)}"
        )
    inputs = {
        name: Path(value) if Path(value).is_absolute() else path.parent / value
        for name, value in text.inputs.items()
    }
    if given:
        # Inputs belong together: masks of the example photographs must never be read for the
        # user's images because one --input was forgotten.
        inputs = {name: Path(value) for name, value in given.items()}
    resolved = {name: value.resolve() for name, value in inputs.items()}
    try:
        source: Source = found(parameters, resolved, text.seed)
    except RecipeError as error:
        raise RecipeError(f"{lines.where(('source', kind))}: {error}") from None
    return source


def _build_stages(
    text: RecipeText, models: Mapping[str, Model], path: Path, lines: Lines, given: set[str]
) -> list[BuiltStage]:
    built: list[BuiltStage] = []
    for number, entry in enumerate(text.stages):
        kind = one(
            {k: v for k, v in entry.items() if k != "as"}, lines, ("stages", number), "stage"
        )
        where = ("stages", number, kind)
        name = stage_name(entry)
        if name in {b.name for b in built}:
            raise RecipeError(
                f"{lines.where(where)}: two stages are called {name!r}; give one another name "
                "with 'as: NAME'"
            )
        found = _plugin("stage", kind, lines, where)
        parameters = check(found.Parameters, entry[kind], lines, where)
        setup = Setup(
            name=name,
            seed=text.seed,
            prompt=lambda prompt: load_prompt(prompt, path.parent),
            models={role: model.model for role, model in models.items()},
        )
        try:
            stage: Stage = found(parameters, setup)
        except RecipeError as error:
            raise RecipeError(f"{lines.where(where)}: {error}") from None
        for role in stage.roles():
            if role not in models:
                raise RecipeError(
                    f"{lines.where(where)}: the stage asks the model {role!r}, which the recipe "
                    f"does not name under 'models'.{did_you_mean(role, models)}"
                )
        _hand_over(stage.NEEDS, given, f"the stage {name!r}", lines.where(where))
        given |= stage.GIVES
        built.append(BuiltStage(name, kind, stage, _made_of(kind, stage, models, text.seed)))
    return built


def _hand_over(needs: frozenset[str], given: set[str], who: str, where: str) -> None:
    missing = sorted(needs - given)
    if missing:
        raise RecipeError(
            f"{where}: {who} needs {', '.join(missing)}, which nothing before it gives"
        )


def _made_of(kind: str, stage: Stage, models: Mapping[str, Model], seed: int) -> dict[str, Any]:
    asked = {}
    for role in stage.roles():
        provider = registry.find("provider", models[role].model.partition("/")[0])
        asked[role] = {"model": models[role].model, "version": getattr(provider, "VERSION", 1)}
    prompts = prompt_hashes(stage.prompts())
    return {
        "stage": kind,
        "version": stage.VERSION,
        "parameters": stage.parameters.model_dump(mode="json"),
        "prompts": prompts,
        "models": asked,
        "versions": dict(stage.versions()),
        "seed": seed if prompts else None,
    }
