"""The stage ``mark``: what it puts on the record, and what may change its fingerprint."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from annoengine.errors import RecipeError, RecordFailed
from annoengine.fingerprint import sha256_hex
from annoengine.mask import RecordFiles
from annoengine.model_sight import OPENAI_TILES
from annoengine.record import (
    Category,
    DrawnImage,
    MaskStore,
    Photo,
    Record,
    Segment,
    marked_segments,
)
from annoengine.registry import find
from annoengine.segments_png import measure
from annoengine.som.draw import draw_marks
from annoengine.stage import Setup
from annoengine.stages.mark import Mark, MarkParameters
from tests.som.marked_scenes import Scene, blank, scene_of, stored


class Door:
    """The part of ``ask`` that this stage uses; arguments and results are pickled as in a pool."""

    def __init__(self, files: RecordFiles) -> None:
        self.files = files
        self.kept: dict[str, bytes] = {}

    async def compute(self, function: Callable[..., Any], *arguments: Any) -> Any:
        sent: tuple[Any, ...] = pickle.loads(pickle.dumps((function, *arguments)))
        return pickle.loads(pickle.dumps(sent[0](*sent[1:])))

    def keep_image(
        self, name: str, data: bytes, width: int, height: int, encoder: str
    ) -> DrawnImage:
        self.kept[name] = data
        return DrawnImage(
            file=name,
            sha256=sha256_hex(data),
            width=width,
            height=height,
            size_bytes=len(data),
            encoder=encoder,
        )


def stage_of(models: Mapping[str, str] | None = None, **parameters: Any) -> Mark:
    def no_prompt(name: str) -> Any:
        raise AssertionError(f"the stage asked for the prompt {name}")

    roles = {"annotator": "openai/gpt-4o"} if models is None else models
    return Mark(MarkParameters(**parameters), Setup("mark", 7, no_prompt, roles))


def record_of(scene: Scene, files: RecordFiles) -> Record:
    assert files.panoptic is not None
    segments = tuple(
        Segment(
            id=id,
            category=Category(id=1, name="thing"),
            isthing=True,
            box_xyxy=measured.box_xyxy,
            area_px=measured.area_px,
            iscrowd=id in scene.crowds,
            mask=id,
        )
        for id, measured in measure(scene.ids).items()
        if id
    )
    width, height = scene.size_wh
    return Record(
        id="toy/val/1",
        photo=Photo(
            file=files.image.name,
            width=width,
            height=height,
            sha256=sha256_hex(files.image.read_bytes()),
        ),
        masks=MaskStore(
            kind="panoptic_png",
            file=files.panoptic.name,
            sha256=sha256_hex(files.panoptic.read_bytes()),
        ),
        segments=segments[::-1],
    )


@pytest.fixture
def scene() -> Scene:
    found = scene_of(8, 240, 160, 14)
    assert found.crowds
    return found


def annotate(stage: Mark, record: Record, door: Door) -> Record:
    return asyncio.run(stage.annotate(record, door))  # type: ignore[arg-type]


def test_numbers_run_in_the_order_of_the_segments_without_crowds(
    scene: Scene, tmp_path: Path
) -> None:
    door = Door(stored(scene, tmp_path))
    record = record_of(scene, door.files)
    marked = annotate(stage_of(), record, door)
    uncrowded = [segment.id for segment in record.segments if not segment.iscrowd]
    assert [mark.segment for mark in marked.marks] == uncrowded
    assert [mark.number for mark in marked.marks] == list(range(1, len(uncrowded) + 1))
    assert [mark.text for mark in marked.marks] == [str(mark.number) for mark in marked.marks]
    assert [segment for _, segment in marked_segments(marked)] == [
        segment for segment in record.segments if not segment.iscrowd
    ]
    assert Record.from_line(marked.to_line()) == marked


def test_the_drawing_is_kept_and_drawn_again_to_the_byte(scene: Scene, tmp_path: Path) -> None:
    door = Door(stored(scene, tmp_path))
    stage = stage_of()
    marked = annotate(stage, record_of(scene, door.files), door)
    (drawing,) = marked.drawings
    assert door.kept.keys() == {"marks.jpg"}
    assert drawing.style == "pix2cap"
    assert drawing.image.encoder == "jpeg-92"
    assert drawing.seen_wh == (drawing.image.width, drawing.image.height)
    assert drawing.scale == 1.0
    again = stage.redraw(marked, door.files, drawing.image)
    assert sha256_hex(again) == drawing.image.sha256


def test_many_marks_are_shared_among_drawings_with_one_numbering(
    scene: Scene, tmp_path: Path
) -> None:
    door = Door(stored(scene, tmp_path))
    record = record_of(scene, door.files)
    stage = stage_of(max_marks=5)
    marked = annotate(stage, record, door)
    uncrowded = [segment.id for segment in record.segments if not segment.iscrowd]
    assert len(uncrowded) == 13
    assert len(marked.drawings) == 3
    assert [mark.number for mark in marked.marks] == list(range(1, 14))
    assert [mark.segment for mark in marked.marks] == uncrowded
    assert [marked.mark_of(id) for id in uncrowded] == list(marked.marks)
    shown = [[m.number for m in marked.marks if m.drawing == index] for index in range(3)]
    assert sorted(map(len, shown)) == [4, 4, 5]
    assert [numbers[0] for numbers in shown] == sorted(numbers[0] for numbers in shown)
    assert list(door.kept) == ["marks.jpg", "marks-2.jpg", "marks-3.jpg"]
    assert [drawing.image.file for drawing in marked.drawings] == list(door.kept)
    assert Record.from_line(marked.to_line()) == marked


def test_each_drawing_shows_its_own_marks_alone(scene: Scene, tmp_path: Path) -> None:
    door = Door(stored(scene, tmp_path))
    record = record_of(scene, door.files)
    stage = stage_of(max_marks=5, encoder="png")
    marked = annotate(stage, record, door)
    for commission, (name, data) in zip(stage.commissions(record), door.kept.items(), strict=True):
        drawing = next(d for d in marked.drawings if d.image.file == name)
        own = [m.segment for m in marked.marks if marked.drawings[m.drawing] == drawing]
        assert [target.segment for target in commission.targets] == own
        # The same picture as of a record that has these segments alone, but for the numbers.
        alone = record.but(segments=tuple(record.segment(id) for id in own))
        (only,) = stage_of(encoder="png").commissions(alone)
        renumbered = replace(
            only,
            targets=tuple(
                replace(target, number=other.number, text=other.text)
                for target, other in zip(only.targets, commission.targets, strict=True)
            ),
        )
        assert draw_marks(door.files, renumbered).data == data


def test_each_of_several_drawings_is_drawn_again_to_the_byte(scene: Scene, tmp_path: Path) -> None:
    door = Door(stored(scene, tmp_path))
    stage = stage_of(max_marks=5)
    # A record's id may hold the word that names the drawings.
    marked = annotate(stage, record_of(scene, door.files).but(id="marks-2/val/marks-9"), door)
    shas = set()
    for drawing in marked.drawings:
        named = drawing.image.but(file=f"marks-2_val_marks-9.{drawing.image.file}")
        shas.add(sha256_hex(stage.redraw(marked, door.files, named)))
        assert sha256_hex(stage.redraw(marked, door.files, named)) == drawing.image.sha256
    assert len(shas) == 3


def test_few_marks_are_drawn_as_if_there_were_no_limit(scene: Scene, tmp_path: Path) -> None:
    door = Door(stored(scene, tmp_path))
    record = record_of(scene, door.files)
    for limit in (None, 13, 1_000):
        assert stage_of(max_marks=limit).commissions(record) == stage_of().commissions(record)
    assert len(stage_of(max_marks=12).commissions(record)) == 2
    assert len(stage_of(max_marks=1).commissions(record)) == 13


def test_the_limit_follows_the_model_unless_it_is_given() -> None:
    small, large = {"annotator": "vllm/Qwen/Qwen2-VL-2B-Instruct"}, {"annotator": "openai/gpt-4o"}
    assert stage_of(small, max_marks="auto").max_marks == 20
    assert (stage_of(small).max_marks, stage_of(large).max_marks) == (20, None)
    assert stage_of(small, max_marks=None).max_marks is None
    assert stage_of(large, max_marks=7).max_marks == 7
    assert stage_of(small).versions()["max_marks"] == 20
    larger = {"annotator": "vllm/Qwen/Qwen2-VL-72B-Instruct"}
    assert stage_of(small).versions() != stage_of(larger).versions()
    assert stage_of(small, max_marks=9).versions() == stage_of(larger, max_marks=9).versions()
    assert MarkParameters.model_validate({"max_marks": "none"}).max_marks is None
    for wrong in (0, -1, "some", 2.5, True):
        message = f"{wrong!r} is no limit of marks: give a number from 1, auto or none"
        with pytest.raises(ValidationError, match=message):
            MarkParameters.model_validate({"max_marks": wrong})


def test_labels_call_a_category_as_people_do_or_as_the_dataset_does(
    scene: Scene, tmp_path: Path
) -> None:
    door = Door(stored(scene, tmp_path))
    record = record_of(scene, door.files)
    first, second, *_ = (segment for segment in record.segments if not segment.iscrowd)
    record = record.but(
        segments=(
            first.but(category=Category(id=175, name="wall-brick")),
            second.but(category=Category(name="region")),
        )
    )
    for names, texts in (("display", ["1:brick wall", "2"]), ("raw", ["1:wall-brick", "2"])):
        stage = stage_of(style="coconut", names=names)
        assert [mark.text for mark in annotate(stage, record, Door(door.files)).marks] == texts
    assert [t.text for t in stage_of().commissions(record)[0].targets] == ["1", "2"]


def test_a_category_stays_on_one_drawing(scene: Scene, tmp_path: Path) -> None:
    door = Door(stored(scene, tmp_path))
    record = record_of(scene, door.files)
    names = ["cup", "wall-brick", "dog"]
    record = record.but(
        segments=tuple(
            segment.but(category=Category(name=names[n % 3]))
            for n, segment in enumerate(record.segments)
        )
    )
    stage = stage_of(max_marks=8)
    marked = annotate(stage, record, door)
    drawings_of: dict[str, set[int]] = {}
    for mark, segment in marked_segments(marked):
        drawings_of.setdefault(segment.category.name, set()).add(mark.drawing)
    assert len(marked.drawings) == 2
    assert {name: len(found) for name, found in drawings_of.items()} == dict.fromkeys(names, 1)


def test_a_drawing_takes_the_place_of_an_earlier_one(scene: Scene, tmp_path: Path) -> None:
    door = Door(stored(scene, tmp_path))
    stage = stage_of()
    once = annotate(stage, record_of(scene, door.files), door)
    assert annotate(stage, once, door) == once


def test_a_record_with_nothing_to_mark_passes(tmp_path: Path) -> None:
    scene = Scene(scene_of(1, 40, 40, 1).photo, blank(40, 40, 3), frozenset({3}))
    door = Door(stored(scene, tmp_path))
    record = record_of(scene, door.files)
    assert annotate(stage_of(), record, door) == record
    assert annotate(stage_of(), record.but(segments=()), door) == record.but(segments=())
    assert not door.kept


def test_segments_without_masks_are_marked_by_their_box(tmp_path: Path) -> None:
    scene = Scene(scene_of(1, 120, 90, 1).photo, blank(120, 90, 3), frozenset())
    door = Door(RecordFiles(stored(scene, tmp_path).image))
    segments = tuple(
        Segment(
            id=id,
            category=Category(name="tag"),
            isthing=True,
            box_xyxy=(x, 10.5, x + 40, 80.25),
            area_px=2790,
        )
        for id, x in ((4, 5), (9, 70))
    )
    record = Record(
        id="toy/val/1",
        photo=Photo(
            file="photo.png",
            width=120,
            height=90,
            sha256=sha256_hex(door.files.image.read_bytes()),
        ),
        segments=segments,
    )
    marks = annotate(stage_of(encoder="png"), record, door).marks
    assert [mark.segment for mark in marks] == [4, 9]
    assert door.kept.keys() == {"marks.png"}
    for mark, segment in zip(marks, segments, strict=True):
        x1, y1, x2, y2 = segment.box_xyxy
        assert x1 <= mark.anchor_xy[0] <= x2
        assert y1 <= mark.anchor_xy[1] <= y2
        assert mark.leader_xyxy is None


def test_a_changed_photograph_fails_the_record(scene: Scene, tmp_path: Path) -> None:
    door = Door(stored(scene, tmp_path))
    record = record_of(scene, door.files)
    Path(str(door.files.image)).write_bytes(door.files.image.read_bytes() + b"\0")
    with pytest.raises(RecordFailed) as caught:
        annotate(stage_of(), record, door)
    assert caught.value.reason == "image changed"


def test_models_that_see_alike_have_one_fingerprint() -> None:
    versions = {
        model: stage_of({"annotator": model}).versions()
        for model in ("openai/gpt-4o", "openai/gpt-4.1", "openai/gpt-4.1-mini", "pixels")
    }
    assert versions["openai/gpt-4o"] == versions["openai/gpt-4.1"]
    assert versions["openai/gpt-4o"] != versions["openai/gpt-4.1-mini"]
    assert versions["openai/gpt-4o"] != versions["pixels"]
    assert "gpt" not in str(versions["openai/gpt-4o"])


def test_the_role_may_be_a_model_itself() -> None:
    assert stage_of({}, for_model="openai/gpt-4o").sight is OPENAI_TILES
    assert stage_of({"looker": "openai/gpt-4o"}, for_model="looker").sight is OPENAI_TILES
    assert stage_of(max_pixels=9_000).sight.max_pixels == 9_000


def test_an_unknown_role_is_a_mistake_in_the_recipe() -> None:
    stage = stage_of({"annotater": "openai/gpt-4o"})
    with pytest.raises(RecipeError) as caught:
        stage.versions()
    assert str(caught.value) == (
        "mark: for_model is 'annotator', and the recipe has no model of that role. "
        "Did you mean 'annotater'? Name a role of 'models', or a model (openai/gpt-4o)"
    )


def test_an_unknown_style_is_refused_before_anything_is_drawn() -> None:
    with pytest.raises(ValidationError, match="no mark style called 'pix2'"):
        MarkParameters(style="pix2")


def test_the_registry_finds_it() -> None:
    assert find("stage", "mark") is Mark
    assert frozenset({"segments"}) == Mark.NEEDS
    assert frozenset({"drawings", "marks"}) == Mark.GIVES
