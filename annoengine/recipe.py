"""A recipe: which dataset to make. Everything is checked before anything is done.

:mod:`annoengine.recipe_text` has its YAML form; here every name is resolved, every prompt loaded,
every plug-in's parameters checked by the plug-in, and every hand-over from stage to stage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from annoengine import registry
from annoengine.compute import default_workers
from annoengine.conditions import Condition
from annoengine.errors import RecipeError
from annoengine.exporter import Exporter
from annoengine.fingerprint import fingerprint
from annoengine.model_chain import Model, Remedies, Role, RoleText
from annoengine.pricing import price_of
from annoengine.prompt import load_prompt, prompt_hashes
from annoengine.provider import Provider
from annoengine.recipe_text import (
    Lines,
    Overrides,
    RecipeText,
    check,
    find_recipe,
    one,
    role_of,
    set_value,
    stage_name,
    with_models,
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
    roles: Mapping[str, Role]

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.text.name

    @property
    def workers(self) -> int:
        """Processes of the CPU pool."""
        return default_workers() if self.text.run.workers is None else self.text.run.workers

    def providers(self) -> list[Provider]:
        """Every provider of the recipe, each once."""
        return list({id(p): p for role in self.roles.values() for p in role.providers}.values())

    def prompts(self) -> dict[str, Any]:
        """Every prompt that a stage or an export may use, by name."""
        of_stages = [p for built in self.stages for p in built.stage.prompts()]
        of_exports = [p for export in self.exports for p in export.exporter.prompts()]
        return {p.name: p for p in (*of_stages, *of_exports)}

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
        data["models"][role] = with_models(known[role], model)
    checked = check(RecipeText, data, lines, ())
    return _build(checked, path, lines, overrides.inputs or {})


def _build(text: RecipeText, path: Path, lines: Lines, given_inputs: Mapping[str, str]) -> Recipe:
    models = {role: role_of(entry, lines, ("models", role)) for role, entry in text.models.items()}
    source_kind = one(text.source, lines, ("source",), "source")
    source = _build_source(text, source_kind, path, lines, given_inputs)
    roles = _roles(models, lines)
    stages = _build_stages(text, models, roles, path, lines, set(source.GIVES))
    given = set(source.GIVES).union(*(b.stage.GIVES for b in stages))
    exports = []
    for number, entry in enumerate(text.exports):
        where = ("exports", number)
        kind = one(entry, lines, where, "exporter")
        exporter = _plugin("exporter", kind, lines, (*where, kind))
        parameters = check(exporter.Parameters, entry[kind], lines, (*where, kind))
        _hand_over(exporter.NEEDS, given, f"the export {kind!r}", lines.where((*where, kind)))
        try:
            made = exporter(parameters, lambda prompt: load_prompt(prompt, path.parent))
        except RecipeError as error:
            raise RecipeError(f"{lines.where((*where, kind))}: {error}") from None
        exports.append(BuiltExport(kind, made))
    _check_conditions(source, stages, roles, lines)
    _check_budget(text, stages, roles, lines)
    return Recipe(
        text=text,
        path=path,
        source_kind=source_kind,
        source=source,
        stages=tuple(stages),
        exports=tuple(exports),
        roles=roles,
    )


def _plugin(kind: registry.Kind, name: str, lines: Lines, path: tuple[str | int, ...]) -> Any:
    try:
        return registry.find(kind, name)
    except RecipeError as error:
        raise RecipeError(f"{lines.where(path)}: {error}") from None


def _roles(texts: Mapping[str, RoleText], lines: Lines) -> dict[str, Role]:
    """Every role with its providers; one and the same model with the same options is shared."""
    shared: dict[str, Any] = {}
    roles: dict[str, Role] = {}
    for role, text in texts.items():
        providers = []
        for model in text.models:
            key = fingerprint([model.model, model.options])
            if key not in shared:
                shared[key] = _provider(model, lines.where(("models", role)))
            providers.append(shared[key])
        names = [provider.name for provider in providers]
        for name in names:
            if names.count(name) > 1:
                raise RecipeError(
                    f"{lines.where(('models', role))}: {name} stands there twice; what it failed "
                    "at once it would fail at again"
                )
        roles[role] = Role(text, tuple(providers))
    return roles


def _check_conditions(
    source: Source, stages: Sequence[BuiltStage], roles: Mapping[str, Role], lines: Lines
) -> None:
    """Every escalation's condition names scores that are there when its stage has run."""
    known: set[str] = set()
    for number, built in enumerate(stages):
        try:
            built.stage.check_scores(frozenset(known))
        except RecipeError as error:
            where = lines.where(("stages", number, built.kind))
            raise RecipeError(f"{where}: {error}") from None
        known |= built.stage.SCORES
        for name in built.stage.roles():
            condition = roles[name].text.escalate_when
            if condition is None:
                continue
            where = lines.where(("models", name, "escalate_when"))
            try:
                Condition.read(condition, known)
            except RecipeError as error:
                raise RecipeError(f"{where}: {error}") from None
            if len(roles[name].providers) == 1:
                raise RecipeError(
                    f"{where}: there is no second model that could do the record anew"
                )


def _check_budget(
    text: RecipeText, stages: Sequence[BuiltStage], roles: Mapping[str, Role], lines: Lines
) -> None:
    """A cap only holds where the price of each call is known."""
    if text.budget.usd is None:
        return
    for built in stages:
        for name in built.stage.roles():
            for model, provider in zip(roles[name].text.models, roles[name].providers, strict=True):
                if getattr(provider, "FREE", False):
                    continue
                base_url = getattr(provider, "base_url", None)
                if price_of(provider.name, model.price, base_url=base_url) is None:
                    raise RecipeError(
                        f"{lines.where(('models', name))}: nobody knows the price of "
                        f"{provider.name}, so that a budget cannot hold; give it: price: "
                        "{input: …, output: …} (USD per million tokens)"
                    )


def _first_model(name: str, role: Role) -> str:
    """The model that a role's pictures are drawn for: a replay stands for another one."""
    stands_for = getattr(role.providers[0], "stands_for", None)
    return role.text.models[0].model if stands_for is None else str(stands_for(name))


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
    text: RecipeText,
    models: Mapping[str, RoleText],
    roles: Mapping[str, Role],
    path: Path,
    lines: Lines,
    given: set[str],
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
            models={name: _first_model(name, role) for name, role in roles.items()},
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


def _made_of(kind: str, stage: Stage, models: Mapping[str, RoleText], seed: int) -> dict[str, Any]:
    asked = {role: _asked(models[role]) for role in stage.roles()}
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


def _asked(role: RoleText) -> dict[str, Any]:
    """All of a role on which an output depends: one plain model is written as it always was."""
    versions = [
        {
            "model": model.model,
            "version": getattr(
                registry.find("provider", model.model.partition("/")[0]), "VERSION", 1
            ),
        }
        for model in role.models
    ]
    when = {
        outcome: list(remedies)
        for outcome, remedies in role.when
        if remedies != getattr(Remedies(), outcome)
    }
    if len(versions) == 1 and not when:
        return versions[0]
    return {"models": versions, "when": when, "escalate_when": role.escalate_when}
