"""What every plug-in that the registry finds must keep to, whoever wrote it."""

from __future__ import annotations

import contextlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from annoengine import registry
from annoengine.errors import RecipeError
from annoengine.exporter import Exporter
from annoengine.metric import Metric
from annoengine.plan import make_plan
from annoengine.prompt import load_prompt, prompt_folders
from annoengine.provider import Message, Request, Retry, TextPart
from annoengine.recipe import load_recipe
from annoengine.record import Photo, Record
from annoengine.source import Source
from annoengine.stage import Parameters, Stage
from annoengine.workspace import Workspace

KINDS: tuple[registry.Kind, ...] = (
    "stage",
    "source",
    "segmenter",
    "provider",
    "answer",
    "exporter",
    "validator",
    "executor",
    "metric",
)
_PARAMETRED = ("stage", "source", "exporter", "metric")
EVERY = [(kind, name) for kind in KINDS for name in registry.names(kind)]
PARAMETRED = [(kind, name) for kind, name in EVERY if kind in _PARAMETRED]
PROMPTS = sorted(
    {
        path.relative_to(folder).with_suffix("").as_posix()
        for folder in prompt_folders(None)
        for path in folder.rglob("*.md")
    }
)
RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))


def test_there_is_something_of_each_kind() -> None:
    assert {kind for kind, _ in EVERY} == set(KINDS)
    assert PROMPTS
    assert RECIPES


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_the_class_bears_the_name_of_its_file_and_says_what_it_is(
    kind: registry.Kind, name: str
) -> None:
    found = registry.find(kind, name)
    assert inspect.isclass(found)
    assert found.__name__ == registry.class_name(name)
    assert (inspect.getdoc(found) or "").strip()
    assert (inspect.getdoc(inspect.getmodule(found)) or "").strip()
    bases: dict[str, Any] = {
        "stage": Stage,
        "source": Source,
        "exporter": Exporter,
        "metric": Metric,
    }
    if kind in bases:
        assert issubclass(found, bases[kind])
        assert isinstance(vars(found).get("VERSION", 1), int)


@pytest.mark.parametrize(("kind", "name"), PARAMETRED)
def test_parameters_are_closed_and_described(kind: registry.Kind, name: str) -> None:
    parameters = registry.find(kind, name).Parameters
    assert issubclass(parameters, Parameters)
    assert parameters.model_config.get("extra") == "forbid"
    for field, info in parameters.model_fields.items():
        assert info.description, f"{kind} {name}: {field} has no description"


@pytest.mark.parametrize("name", registry.names("stage"))
def test_a_stage_needs_and_gives_fields_of_a_record(name: str) -> None:
    found = registry.find("stage", name)
    assert set(Record.model_fields) >= found.NEEDS
    assert set(Record.model_fields) >= found.GIVES


@pytest.mark.parametrize("name", registry.names("metric"))
def test_a_metric_needs_what_some_stage_stores_and_says_nothing_of_nothing(name: str) -> None:
    found = registry.find("metric", name)
    stored = {score for stage in registry.names("stage") for score in _stage(stage).SCORES}
    assert found.SCORES
    assert stored >= found.SCORES
    metric = found(found.Parameters())
    record = Record(id="a/b/c", photo=Photo(file="c.jpg", width=1, height=1, sha256=""))
    assert metric.line(record) is None
    none, bare = (metric.measure(iter(records)) for records in ((), (record,)))
    assert none.as_json() == bare.as_json()
    assert all(set(row.values) <= set(none.columns) for row in none.rows)


def _stage(name: str) -> type[Stage]:
    found: type[Stage] = registry.find("stage", name)
    return found


@pytest.mark.parametrize("name", registry.names("provider"))
def test_a_provider_has_the_whole_wire(name: str) -> None:
    found = registry.find("provider", name)
    assert isinstance(found.VERSION, int)
    assert isinstance(found.BATCH, bool)
    provider: Any = found("" if name == "pixels" else "some-model", {})
    assert provider.name.split("/")[0] == name
    assert provider.window >= 1
    # What is not of the wire is a bug, and may be passed on as such.
    with contextlib.suppress(ZeroDivisionError):
        assert isinstance(provider.classify(ZeroDivisionError("a bug")), Retry)
    for coroutine in ("open", "close", "reply"):
        assert inspect.iscoroutinefunction(getattr(provider, coroutine))
    with pytest.raises(RecipeError, match="no_such_option"):
        found("" if name == "pixels" else "some-model", {"no_such_option": 1})


@pytest.mark.parametrize("name", registry.names("provider"))
def test_a_key_names_content_and_nothing_else(name: str) -> None:
    if name == "pixels":  # its key needs the record; its own tests have it
        return
    found = registry.find("provider", name)
    asked = Request("annotator", (Message(role="user", parts=(TextPart(text="a"),)),))
    other = Request("annotator", (Message(role="user", parts=(TextPart(text="b"),)),))
    keys = []
    for request in (asked, asked, other):
        provider = found("m", {})
        keys.append(request.key(provider.name, provider.key_extra(request)))
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_renders_and_refuses_what_is_missing(name: str) -> None:
    prompt = load_prompt(name)
    assert name.rsplit(".v", 1)[-1].isdigit(), "a prompt's name carries its version"
    values = {variable: f"<{variable}>" for variable in prompt.head.variables}
    text = prompt.fill(**values)
    assert "{{" not in text
    assert all(value in text for value in values.values())
    for variable in values:
        some = {k: v for k, v in values.items() if k != variable}
        with pytest.raises(RecipeError, match=f"{variable!r} is not filled"):
            prompt.fill(**some)
    with pytest.raises(RecipeError, match="is no variable of it"):
        prompt.fill(**values, strange="x")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_plans(path: Path, tmp_path: Path) -> None:
    recipe = load_recipe(path)
    recipe.source.check()
    plan = make_plan(recipe, Workspace(tmp_path))
    assert plan.source.state == "todo"
    assert recipe.name == path.stem


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_name_gets_a_suggestion(kind: registry.Kind) -> None:
    known = registry.names(kind)[0]
    with pytest.raises(RecipeError, match=rf"no {kind} called '{known}x'. Did you mean '{known}'"):
        registry.find(kind, known + "x")


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_of_ours_says_first_what_is_always_the_same(name: str) -> None:
    """So that a server's prompt caching finds it again; a paper's own wording is left as it is."""
    prompt = load_prompt(name)
    if not prompt.head.source.startswith("annoengine") or not prompt.head.variables:
        return
    fixed, *_ = prompt.body.split("{{", 1)
    assert len(fixed) > 0.7 * len(re.sub(r"\{\{.*?\}\}", "", prompt.body))
