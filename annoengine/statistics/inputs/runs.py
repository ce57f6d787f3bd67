"""A run's folder: the records that left its last finished stage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from annoengine.errors import InputError
from annoengine.plan import make_plan
from annoengine.recipe import load_recipe
from annoengine.registry import did_you_mean
from annoengine.shard import read_lines, shard_name
from annoengine.statistics.inputs.texts import without_boxes
from annoengine.statistics.sample import Notes, Sample
from annoengine.workspace import SOURCE, Workspace


class RunRecords:
    """The records of one stage, as far as its shards are done.

    ``stage``: whose output is read; unless given, that of the last stage that has a done shard.
    """

    kind = "run"

    def __init__(self, root: Path, stage: str = "") -> None:
        workspace = Workspace.of_run(root)
        recipe = load_recipe(root / "recipe.yaml")
        done = workspace.source_done()
        plan = make_plan(recipe, workspace, done.limit if done else None, as_read=True)
        names = (SOURCE, *(built.name for built in recipe.stages))
        if stage and stage not in names:
            raise InputError(f"{root} has no stage {stage!r}.{did_you_mean(stage, names)}")
        self.root = root
        self._storage = workspace.storage
        self._keys: list[str] = []
        self.notes = Notes()
        for index in [names.index(stage)] if stage else range(len(names) - 1, -1, -1):
            steps = plan.of(index)
            found = [step for step in steps if step.marker is not None]
            if found:
                folder = workspace.folder(index, names[index])
                self._keys = [f"{folder}/{shard_name(step.shard)}.jsonl" for step in found]
                self.notes.read = [root / folder]
                if len(found) < len(steps):
                    missing = f"shards that are not done yet, of {len(steps)}"
                    self.notes.counts[missing] = len(steps) - len(found)
                older = sum(step.state != "done" for step in found)
                if older:
                    self.notes.counts["shards of an older recipe or input"] = older
                return
        what = f"the stage {stage!r} of {root}" if stage else str(root)
        raise InputError(f"{what} has no finished shard yet: there is nothing to count")

    def class_names(self) -> frozenset[str]:
        """The categories of all segments."""
        names: set[str] = set()
        for _, entry in self.entries():
            names.update(s["category"]["name"] for s in entry.get("segments", ()))
        return frozenset(names)

    def samples(self) -> Iterator[Sample]:
        """Two for each record: its captions of segments, and those of the whole image."""
        for place, entry in self.entries():
            try:
                yield from samples_of(entry)
            except (KeyError, TypeError, AttributeError):
                raise self._no_record(place) from None

    def entries(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The place and the JSON of each record. Raises InputError for a line that is none."""
        for key in self._keys:
            for number, line in enumerate(read_lines(self._storage, key), start=1):
                place = f"{key}:{number}"
                try:
                    entry = orjson.loads(line)
                    entry["id"], entry["photo"]
                except (ValueError, KeyError, TypeError):
                    raise self._no_record(place) from None
                yield place, entry

    def _no_record(self, place: str) -> InputError:
        return InputError(
            f"{self.root / place}: this line is no record. Shards are written by annoengine "
            "alone; delete the stage's folder to redo it"
        )


def samples_of(entry: dict[str, Any]) -> Iterator[Sample]:
    """Two of a record: its captions of segments, and those of the whole image."""
    segments = entry.get("segments", ())
    uncrowded = {s["id"] for s in segments if not s.get("iscrowd")}
    captions = entry.get("captions", ())
    regions = [c for c in captions if c.get("segment") is not None]
    whole = [c for c in captions if c.get("segment") is None]
    for level, found in (("region", regions), ("image", whole)):
        if level == "region":
            about = {c["segment"] for c in found}
        else:
            about = {id for c in found for span in c.get("spans", ()) for id in span["segments"]}
        yield Sample(
            image=entry["id"],
            level="region" if level == "region" else "image",
            texts=tuple(without_boxes(c["text"]) for c in found),
            masks=len(segments) or None,
            groundable=len(uncrowded),
            grounded=len(about & uncrowded),
        )
