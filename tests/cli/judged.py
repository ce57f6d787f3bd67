"""A finished run whose captions were judged by lists of words, for commands that look at runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from annoengine.recipe import Recipe, load_recipe
from annoengine.record import Record
from annoengine.workspace import Workspace
from tests.engine.carrying import carry

KEEP = {"segments": "facts.contradicted == 0 and words >= q10", "images": "kept_share >= 0.5"}
JUDGES = {"wrong": ["red", "green"], "right": ["blue", "brown"], "unclear": ["left"]}


def recipe_at(folder: Path, data: Path, keep: dict[str, Any] | None, **changes: Any) -> Recipe:
    """Marks, captions, a check, and keep unless it is None, written to a file."""
    stages: list[dict[str, Any]] = [
        {"mark": {}},
        {"annotate": {"prompts": ["pix2cap/prompt1.v1"], "repair": 0}},
        {"tests.stages.judging:Judges": changes.pop("judges", JUDGES), "as": "judges"},
    ]
    if keep is not None:
        stages.append({"keep": keep})
    text = {
        "name": "judged",
        "inputs": {
            "images": str(data / "images"),
            "annotations": str(data / "panoptic_val2017.json"),
        },
        "source": {"coco_panoptic": {}},
        "models": {"annotator": "pixels"},
        "stages": stages,
        "run": {"shard_size": 3, "workers": 0},
        **changes,
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(text), encoding="utf-8")
    return load_recipe(path)


def judged_run(root: Path, data: Path, keep: dict[str, Any] | None = KEEP, **changes: Any) -> Path:
    """The folder of a run that is finished."""
    root.mkdir(parents=True)
    recipe = recipe_at(root.parent, data, keep, **changes)
    workspace = Workspace(root)
    workspace.save(recipe.to_yaml(), {}, {})
    carry(recipe, workspace)
    return root


def records_of(root: Path, stage: str) -> list[Record]:
    """What left a stage (``03-judges``), in order."""
    shards = sorted((root / stage).glob("[0-9]*[0-9].jsonl"))
    lines = (line for shard in shards for line in shard.read_bytes().splitlines())
    return [Record.from_line(line) for line in lines]
