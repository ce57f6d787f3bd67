"""The stage ``score_clip``: hand-made vectors, and a tiny model through a whole run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from annoengine.recipe import load_recipe
from annoengine.record import Caption, Category, Origin, Record, Segment, Span
from annoengine.registry import find
from annoengine.stage import Setup
from annoengine.stages.score_clip import ScoreClip, ScoreClipParameters
from annoengine.workspace import Workspace
from tests.stages.checked import recipe_of, records_of
from tests.stages.scripted import record
from tests.tiny_clip import save_tiny_clip

ORIGIN = Origin(stage="annotate", model="m-1")


class HandMade:
    """A door whose pictures and texts have the vectors that a test gives them."""

    def __init__(self, vectors: dict[str, list[float]]) -> None:
        self.vectors = vectors
        self.files: Any = self
        self.image = self
        self.cuts: list[tuple[Any, ...]] = []

    def read_bytes(self) -> bytes:
        return b"whole"

    async def compute(self, function: Any, *arguments: Any) -> list[bytes]:
        _, _, ids, cut, margin = arguments
        self.cuts.append((tuple(ids), cut, margin))
        return [f"{cut} {id}".encode() for id in ids]

    async def embed(self, items: list[str | bytes], model: str) -> np.ndarray:
        assert model == "clip"
        named = [item.decode() if isinstance(item, bytes) else item for item in items]
        return np.array([self.vectors[name] for name in named], dtype=np.float32)


def stage(**parameters: Any) -> ScoreClip:
    def no_prompt(name: str) -> Any:
        raise AssertionError(name)

    built = find("stage", "score_clip")(
        ScoreClipParameters(**parameters), Setup("score_clip", 7, no_prompt)
    )
    assert isinstance(built, ScoreClip)
    return built


def segment(id: int, name: str, iscrowd: bool = False) -> Segment:
    return Segment(
        id=id,
        category=Category(name=name),
        isthing=True,
        box_xyxy=(0, 0, 8, 8),
        area_px=64,
        iscrowd=iscrowd,
    )


def told(*captions: Caption) -> Record:
    segments = (segment(7, "cat"), segment(3, "cat"), segment(5, "dog"), segment(9, "cat", True))
    return record().but(segments=segments, captions=captions)


def caption(text: str, segment: int | None = None, *spans: Span) -> Caption:
    return Caption(text=text, segment=segment, spans=spans, origin=ORIGIN)


def by_name(made: Record, segment: int | None) -> dict[str, float]:
    return {s.name: s.value for s in made.scores if s.segment == segment}


async def test_rank_and_margins_by_hand() -> None:
    door = HandMade(
        {"box 7": [1, 0], "box 3": [0, 1], "box 5": [0.6, 0.8], "one": [0.8, 0.6], "two": [0, 1]}
    )
    made = await stage().annotate(told(caption("one", 7), caption("two", 5)), door)  # type: ignore[arg-type]
    # "one" is 0.8 from its own cat, 0.6 from the other and 0.48 + 0.48 = 0.96 from the dog.
    assert by_name(made, 7) == {
        "clip": 0.8,
        "clip.rank": 2,
        "clip.margin": -0.16,
        "clip.same": 0.2,
    }
    # The dog is the only one of its kind, and the crowd is nobody's neighbour.
    assert by_name(made, 5) == {"clip": 0.8, "clip.rank": 2, "clip.margin": -0.2}
    assert door.cuts == [((7, 3, 5), "box", 0.1)]


async def test_both_cuts_are_averaged_and_others_can_be_left_out() -> None:
    door = HandMade({"box 7": [1, 0], "mask 7": [0.6, 0.8], "one": [1, 0]})
    made = await stage(region="both", margin=0, others=False).annotate(
        told(caption("one", 7)),
        door,  # type: ignore[arg-type]
    )
    assert by_name(made, 7) == {"clip": 0.8}
    assert door.cuts == [((7,), "box", 0), ((7,), "mask", 0)]


async def test_a_paragraph_is_scored_by_its_phrases_and_as_a_whole() -> None:
    text = "A cat beside two dogs and a tail."
    spans = (
        Span(start=0, end=5, segments=(7,)),
        Span(start=13, end=21, segments=(3, 5)),
        Span(start=26, end=32, segments=(7,)),
    )
    door = HandMade(
        {"box 7": [1, 0], "A cat": [1, 0], "a tail": [0.6, 0.8], "whole": [1, 0], text: [0.8, 0.6]}
    )
    made = await stage(others=False).annotate(told(caption(text, None, *spans)), door)  # type: ignore[arg-type]
    assert by_name(made, 7) == {"clip": 0.8}
    assert by_name(made, None) == {"clip.image": 0.8}


async def test_nothing_said_asks_nothing() -> None:
    silent = told()
    assert await stage().annotate(silent, HandMade({})) is silent  # type: ignore[arg-type]


async def test_a_run_gives_the_same_whatever_its_shards_and_company(tmp_path: Path) -> None:
    folder = save_tiny_clip(tmp_path / "clip")
    model = {"model": f"sentence_transformers/{folder}", "options": {"batch_size": 8}}
    stages = [{"score_clip": {"region": "both"}}, {"keep": {"segments": "clip >= q10"}}]
    made = []
    for run, size in (("two", 2), ("all", 6)):
        recipe = recipe_of(tmp_path, stages, models={"clip": model})
        path = tmp_path / "recipe.yaml"
        text = yaml.safe_load(path.read_text())
        text["run"]["shard_size"] = size
        path.write_text(yaml.safe_dump(text))
        recipe = load_recipe(path)
        made.append(await records_of(recipe, Workspace(tmp_path / run)))
    assert [r.to_line() for r in made[0]] == [r.to_line() for r in made[1]]
    likenesses = [s.value for r in made[0] for s in r.scores if s.name == "clip"]
    assert len(likenesses) > 20
    assert len(set(likenesses)) > len(likenesses) / 2
    kept = sum(len(r.captions) for r in made[0])
    assert 0 < kept < len(likenesses)
