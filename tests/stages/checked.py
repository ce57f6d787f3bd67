"""Runs of the first stages and a check over the example photographs."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from annoengine.recipe import Recipe, load_recipe
from annoengine.record import Record
from annoengine.runner import carry_out, finished_records, make_door
from annoengine.workspace import Workspace
from tests.wire.chat_answers import categories
from tests.wire.misbehaviours import Exchange
from tests.wire.openai_server import OpenaiServer

PHOTOGRAPHS = Path(__file__).parents[2] / "examples" / "photographs"
PROMPTS = ["pix2cap/prompt1.v1", "pix2cap/prompt2.v1"]
ANNOTATE = {"annotate": {"prompts": PROMPTS, "repair": 0}}


def recipe_of(
    folder: Path,
    stages: Collection[Any],
    photographs: Collection[str] = (),
    model: Any = "pixels",
    models: Mapping[str, Any] | None = None,
    **mark: Any,
) -> Recipe:
    """A recipe over some of the example photographs, all where none is named.

    ``models`` are roles besides the annotator.
    """
    listed = json.loads((PHOTOGRAPHS / "panoptic.json").read_text())
    kept = {i["id"] for i in listed["images"] if Path(i["file_name"]).stem in photographs}
    if photographs:
        listed["images"] = [i for i in listed["images"] if i["id"] in kept]
        listed["annotations"] = [a for a in listed["annotations"] if a["image_id"] in kept]
    annotations = folder / "annotations.json"
    annotations.write_text(json.dumps(listed))
    path = folder / "recipe.yaml"
    data = {
        "name": "checked",
        "seed": 5,
        "inputs": {
            "images": str(PHOTOGRAPHS / "images"),
            "annotations": str(annotations),
            "panoptic": str(PHOTOGRAPHS / "panoptic"),
        },
        "source": {"coco_panoptic": {}},
        "models": {"annotator": model, **(models or {})},
        "stages": [{"mark": mark}, ANNOTATE, *stages],
        "run": {"workers": 0, "retries": {"tries": 1}},
    }
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return load_recipe(path)


async def records_of(recipe: Recipe, workspace: Workspace) -> list[Record]:
    """What a recipe makes of them."""
    await carry_out(recipe, workspace, door=make_door(recipe))
    return [record for _, record in finished_records(recipe, workspace)]


def scores_of(record: Record, name: str) -> dict[int | None, float]:
    """The scores of a name, by segment."""
    return {score.segment: score.value for score in record.scores if score.name == name}


class Telling(OpenaiServer):
    """A server that describes each category in words given for its first and its later answers.

    ``told`` maps a category to the text of the first answer and that of later ones; a category
    that is not listed is "plain". ``{n}`` in a text stands for the number it is asked about.
    """

    def __init__(self, told: dict[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(keep_calls=True, **options)
        self.told = told

    def _good(self, exchange: Exchange) -> None:
        later = exchange.call.number > 1
        lines = ["The objects include:"]
        for number, category in self.asked(exchange.call.number - 1).items():
            plain = f"a plain {category}"
            text = self.told.get(category, (plain, plain))[later].replace("{n}", str(number))
            lines.append(f"{number}. {category}: {text}.;")
        exchange.send(exchange.answer("\n".join(lines)))

    def asked(self, call: int) -> dict[int, str]:
        """The numbers and categories that a call asked about."""
        return categories(self.calls[call].texts()[-1][1])


@contextmanager
def model_at(server: OpenaiServer) -> Iterator[dict[str, Any]]:
    """A role whose model is the server."""
    from tests.wire.faults import key_set

    with key_set():
        yield {
            "model": "openai/gpt-4o-2024-08-06",
            "options": {"base_url": server.base_url, "timeout_s": 5},
        }
