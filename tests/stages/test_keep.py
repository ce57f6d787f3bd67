"""What ``keep`` keeps and drops, with which reason, and what moving a threshold costs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import yaml

from annoengine.errors import Drop, RecipeError
from annoengine.estimate import count_new_calls
from annoengine.mask import RecordFiles
from annoengine.plan import make_plan
from annoengine.prompt import load_prompt
from annoengine.provider import Reply, Request
from annoengine.recipe import Recipe, load_recipe
from annoengine.record import (
    Caption,
    Category,
    DrawnImage,
    Origin,
    Photo,
    Record,
    Score,
    Segment,
    Verdict,
)
from annoengine.registry import find
from annoengine.shard import read_dropped_captions, read_set_aside
from annoengine.stage import BarrierStage, Setup
from annoengine.stages.keep import Keep, KeepParameters
from annoengine.workspace import Workspace
from tests.engine.carrying import account_of, carry, result_bytes
from tests.scenes import make_dataset

Scores = Mapping[int | None, Mapping[str, float]]


@dataclass
class Door:
    """A door that only takes captions."""

    files: RecordFiles = field(default_factory=lambda: RecordFiles(Path("7.jpg")))
    aside: list[tuple[Caption, str, tuple[Score, ...]]] = field(default_factory=list)

    def set_aside(self, caption: Caption, reason: str, scores: Sequence[Score] = ()) -> None:
        self.aside.append((caption, reason, tuple(scores)))

    async def __call__(self, request: Request, turn: str) -> Reply:
        raise AssertionError("keep asks nobody")

    async def all(self, requests: Sequence[tuple[Request, str]]) -> list[Reply]:
        raise AssertionError("keep asks nobody")

    async def compute(self, function: Callable[..., Any], *arguments: Any) -> Any:
        raise AssertionError("keep computes nothing")

    async def embed(self, items: Sequence[str | bytes], model: str) -> np.ndarray:
        raise AssertionError("keep asks nobody")

    def keep_image(
        self, name: str, data: bytes, width: int, height: int, encoder: str
    ) -> DrawnImage:
        raise AssertionError("keep draws nothing")


def keep(
    segments: str | None = None, images: str | None = None, paragraphs: str | None = None
) -> Keep:
    built = find("stage", "keep")(
        KeepParameters(segments=segments, images=images, paragraphs=paragraphs),
        Setup("keep", 7, load_prompt),
    )
    assert isinstance(built, Keep)
    return built


def record(scores: Scores, captions: Sequence[int | None] = (11, 12, 13)) -> Record:
    """A record with segments 11, 12, 13 and the crowd 14."""
    origin = Origin(stage="annotate", model="m")
    return Record(
        id="coco/val/7",
        photo=Photo(file="7.jpg", width=64, height=48, sha256="0" * 64),
        segments=tuple(
            Segment(
                id=id,
                category=Category(name="dog"),
                isthing=True,
                box_xyxy=(0, 0, 9, 9),
                area_px=81,
                iscrowd=id == 14,
            )
            for id in (11, 12, 13, 14)
        ),
        captions=tuple(
            Caption(text=f"caption of {id}", segment=id, origin=origin) for id in captions
        ),
        verdicts=tuple(
            Verdict(segment=id, kind="k", says="s", start=0, end=1, truth="supported", by="facts")
            for id in captions
        ),
        scores=tuple(
            Score(name=name, value=value, by="check", segment=segment)
            for segment, each in scores.items()
            for name, value in each.items()
        ),
    )


def kept(stage: Keep, given: Record) -> tuple[Record, Door]:
    door = Door()
    return asyncio.run(stage.annotate(given, door)), door


GOOD = {"facts.contradicted": 0.0, "text.refusal": 0.1}
THREE: Scores = {
    11: GOOD,
    12: {"facts.contradicted": 2.0, "text.refusal": 0.9},
    13: {"facts.contradicted": 0.0, "text.refusal": 0.5},
    None: {"parse.failed": 0.25},
}
GRAMMAR = "facts.contradicted == 0 and text.refusal < 0.5"


def test_a_caption_leaves_with_the_part_of_the_condition_that_it_fails() -> None:
    given = record(THREE)
    found, door = kept(keep(GRAMMAR), given)
    assert [c.segment for c in found.captions] == [11]
    assert [(g.segment, g.reason, g.detail, g.stage) for g in found.gaps] == [
        (
            *(12, "facts.contradicted == 0"),
            *("facts.contradicted is 2, text.refusal is 0.9", "keep"),
        ),
        (13, "text.refusal < 0.5", "text.refusal is 0.5", "keep"),
    ]
    # The verdicts go with the captions, the scores stay: they are numbers, and cost no room.
    assert [v.segment for v in found.verdicts] == [11]
    assert found.scores == given.scores
    aside = [
        (caption.text, reason, {s.name: s.value for s in scores})
        for caption, reason, scores in door.aside
    ]
    assert aside == [
        ("caption of 12", "facts.contradicted == 0", THREE[12]),
        ("caption of 13", "text.refusal < 0.5", THREE[13]),
    ]
    assert found.but(captions=(), gaps=(), verdicts=()) == given.but(captions=(), verdicts=())


def test_what_is_good_enough_is_left_as_it_is() -> None:
    given = record(THREE)
    found, door = kept(keep("facts.contradicted <= 2", "captions >= 3"), given)
    assert found is given
    assert door.aside == []
    assert kept(keep(), given)[0] is given


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("clip > 0.2", "clip > 0.2 (no score)"),
        ("not clip > 0.2", "not clip > 0.2 (no score)"),
        ("clip != 3", "clip != 3 (no score)"),
        ("not clip", "not clip > 0 (no score)"),
        ("clip > 0.2 and facts.contradicted == 0", "clip > 0.2 (no score)"),
        ("clip > 0.2 and facts.contradicted > 5", "facts.contradicted > 5"),
        ("clip > 0.2 or facts.contradicted > 5", "clip > 0.2 or facts.contradicted > 5 (no score)"),
    ],
)
def test_a_caption_that_was_never_scored_does_not_pass(condition: str, reason: str) -> None:
    found, _ = kept(keep(condition), record({11: GOOD}, [11]))
    assert [gap.reason for gap in found.gaps] == [reason]
    assert "clip is missing" in found.gaps[0].detail
    # What does not turn on the missing score is judged without it.
    assert not kept(keep("clip > 0.2 or facts.contradicted == 0"), record({11: GOOD}, [11]))[0].gaps


def test_scores_of_the_image_stand_in_and_those_of_a_segment_go_first() -> None:
    scores: Scores = {None: {"clip": 0.1, "parse.failed": 0.0}, 12: {"clip": 0.4}}
    found, _ = kept(keep("clip > 0.3 and parse.failed == 0"), record(scores))
    assert [c.segment for c in found.captions] == [12]


def test_the_last_score_of_a_name_counts() -> None:
    given = record({11: {"facts": 3.0}}, [11])
    again = Score(name="facts", value=0.0, by="check again", segment=11)
    assert kept(keep("facts == 0"), given)[0].gaps
    assert not kept(keep("facts == 0"), given.but(scores=(*given.scores, again)))[0].gaps


def test_a_paragraph_is_judged_by_the_scores_of_the_record() -> None:
    scores: Scores = {11: GOOD, None: {"facts.contradicted": 1.0, "grounded.coverage": 0.9}}
    given = record(scores, [11, None])
    found, door = kept(keep(paragraphs="grounded.coverage > 0.8"), given)
    assert found is given
    found, door = kept(keep(paragraphs="facts.contradicted == 0"), given)
    # The image stays, and its paragraph is no segment that could have a gap.
    assert [c.segment for c in found.captions] == [11]
    assert [v.segment for v in found.verdicts] == [11]
    assert found.gaps == ()
    assert [
        (c.text, reason, {s.name: s.value for s in told}) for c, reason, told in door.aside
    ] == [("caption of None", "facts.contradicted == 0", scores[None])]
    with pytest.raises(Drop, match="paragraphs > 0") as drop:
        kept(keep(paragraphs="facts.contradicted == 0", images="paragraphs > 0"), given)
    assert drop.value.detail == ("paragraphs is 0; captions not kept: facts.contradicted == 0 (1)")
    assert kept(keep(images="paragraphs == 1 and captions == 1"), given)[0] is given
    never, _ = kept(keep(paragraphs="clip > 0"), given)
    assert [c.segment for c in never.captions] == [11]


def test_a_condition_on_paragraphs_is_checked_and_may_wait_for_all_shards() -> None:
    with pytest.raises(RecipeError, match=r"paragraphs: .*no_such"):
        keep(paragraphs="no_such > 1").check_scores(frozenset({"clip"}))
    assert isinstance(keep(paragraphs="clip >= q10"), BarrierStage)
    assert not isinstance(keep(paragraphs="clip >= 1"), BarrierStage)


def test_all_captions_of_a_segment_leave_together_and_those_of_the_image_stay() -> None:
    found, door = kept(keep("facts.contradicted == 0"), record(THREE, [None, 12, 12, 11]))
    assert [c.segment for c in found.captions] == [None, 11]
    assert [gap.segment for gap in found.gaps] == [12]
    assert len(door.aside) == 2


@pytest.mark.parametrize(
    ("images", "reason", "detail"),
    [
        ("captions >= 1", None, ""),
        ("captions >= 2", "captions >= 2", "captions is 1"),
        ("dropped < 2", "dropped < 2", "dropped is 2"),
        ("segments == 3", None, ""),
        ("kept_share > 0.33 and kept_share < 0.34", None, ""),
        ("described_share >= 0.5", "described_share >= 0.5", "described_share is 0.333333"),
        ("parse.failed < 0.25", "parse.failed < 0.25", "parse.failed is 0.25"),
        ("facts.contradicted.max == 0", None, ""),
        ("text.refusal.mean < 0.1", "text.refusal.mean < 0.1", "text.refusal.mean is 0.1"),
        ("clip.min > 0", "clip.min > 0 (no score)", "clip.min is missing"),
        ("clip > 0", "clip > 0 (no score)", "clip is missing"),
    ],
)
def test_an_image_is_judged_by_what_is_left_of_it(
    images: str, reason: str | None, detail: str
) -> None:
    stage, given = keep(GRAMMAR, images), record(THREE)
    if reason is None:
        assert len(kept(stage, given)[0].captions) == 1
        return
    with pytest.raises(Drop) as caught:
        kept(stage, given)
    assert caught.value.reason == reason
    why = "captions not kept: facts.contradicted == 0 (1), text.refusal < 0.5 (1)"
    assert caught.value.detail == f"{detail}; {why}"


def test_an_image_without_captions_has_shares_of_nothing() -> None:
    with pytest.raises(Drop, match="kept_share > 0: kept_share is 0"):
        kept(keep(GRAMMAR, "kept_share > 0"), record({}, []))
    assert kept(keep(GRAMMAR), record({}, []))[0].captions == ()


def test_an_image_has_no_score_of_its_segments() -> None:
    with pytest.raises(RecipeError) as caught:
        kept(keep(None, "facts.contradicted == 0"), record(THREE))
    assert str(caught.value) == (
        "images: facts.contradicted is a score of segments, of which coco/val/7 has several; name "
        "facts.contradicted.min, facts.contradicted.max or facts.contradicted.mean"
    )


@pytest.mark.parametrize(
    ("segments", "images", "problem"),
    [
        ("clip >", None, "segments: 'clip >' is no condition"),
        (None, "captions >= 1 +", "images: 'captions >= 1 +' is no condition"),
        ("clip >= q0", None, "segments: in the condition 'clip >= q0', 'q0' is none of q1 to q99"),
    ],
)
def test_what_is_no_condition_is_refused(
    segments: str | None, images: str | None, problem: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        keep(segments, images)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("segments", "images", "problem"),
    [
        ("clip >= 0.2 and facts == 0", "captions >= 1 and clip.mean > q", None),
        ("clop >= 0.2", None, "segments: no score is called 'clop'. Did you mean 'clip'?"),
        (None, "caption >= 1", "images: no score is called 'caption'. Did you mean 'captions'?"),
        (None, "clip.mid >= 1", "images: no score is called 'clip.mid'. Did you mean 'clip.min'?"),
        ("clip.mean > 0", None, "segments: no score is called 'clip.mean'."),
        ("captions > 0", None, "segments: no score is called 'captions'."),
        (None, "clip >= q10", None),
        (None, "clip.mean >= q10", "images: clip.mean is known only when captions were dropped"),
        (None, "captions >= q10", "images: captions is known only when captions were dropped"),
    ],
)
def test_scores_that_nothing_gives_are_named(
    segments: str | None, images: str | None, problem: str | None
) -> None:
    known = frozenset({"clip", "facts", "q"} if problem is None else {"clip", "facts"})
    if problem is None:
        keep(segments, images and images.replace(" > q", " > 0")).check_scores(known)
        return
    with pytest.raises(RecipeError) as caught:
        keep(segments, images).check_scores(known)
    assert problem in str(caught.value)


def test_only_a_quantile_makes_it_wait_for_the_whole_dataset() -> None:
    for stage in (keep(), keep("clip > 0.2"), keep(None, "captions >= 1")):
        assert not isinstance(stage, BarrierStage)
    for stage in (keep("clip > q10"), keep("clip > 0", "parse.failed < q90")):
        assert isinstance(stage, BarrierStage)


def test_a_quantile_is_one_of_the_whole_dataset() -> None:
    stage = keep("clip >= q25 and words < q75")
    assert isinstance(stage, BarrierStage)

    def shard(first: int) -> Iterator[Record]:
        for n in range(first, first + 4):
            # The value of segment 12 is no caption's: it must not count.
            scores = {11: {"clip": n / 10}, 12: {"clip": -9.0}, None: {"words": float(n)}}
            yield record(scores, [11])

    decision = stage.decide([stage.survey(shard(0)), stage.survey(shard(4))])
    # Of 0.0, 0.1 … 0.7 two lie below 0.2; of 0 … 7 six lie below 6.
    assert decision == {"clip": {"25": 0.2}, "words": {"75": 6.0}}
    door = Door()
    left = [
        asyncio.run(stage.annotate_decided(r, orjson.loads(orjson.dumps(decision)), door))
        for r in (*shard(0), *shard(4))
    ]
    assert [bool(r.captions) for r in left] == [False, False, True, True, True, True, False, False]
    assert left[1].gaps[0].reason == "clip >= q25"
    assert left[1].gaps[0].detail == "clip is 0.1, q25 is 0.2"
    assert left[7].gaps[0].detail == "words is 7, q75 is 6"


def test_a_quantile_of_nothing_keeps_nothing() -> None:
    stage = keep("clip >= q25")
    assert isinstance(stage, BarrierStage)
    decision = stage.decide([stage.survey([record({}, [11])]), stage.survey([])])
    assert decision == {}
    found = asyncio.run(stage.annotate_decided(record({}, [11]), decision, Door()))
    assert found.gaps[0].reason == "clip >= q25 (no score)"


def recipe_of(
    folder: Path, data: Path, segments: str, images: str = "captions >= 1", size: int = 3
) -> Recipe:
    """Marks, captions, a check, keep, and a stage after it."""
    text = {
        "name": "kept",
        "inputs": {
            "images": str(data / "images"),
            "annotations": str(data / "panoptic_val2017.json"),
        },
        "source": {"coco_panoptic": {}},
        "models": {"annotator": "pixels"},
        "stages": [
            {"mark": {}},
            {"annotate": {"prompts": ["pix2cap/prompt1.v1"], "repair": 0}},
            {"tests.stages.judging:Judges": {"wrong": ["red", "green"]}, "as": "judges"},
            {"keep": {"segments": segments, "images": images}},
            {"tests.stages.judging:Judges": {}, "as": "later"},
        ],
        "run": {"shard_size": size, "workers": 0},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(text), encoding="utf-8")
    return load_recipe(path)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("keep") / "data", 8, seed=3)


def files(root: Path, *folders: str) -> dict[str, tuple[bytes, int]]:
    """Bytes and time of all files in some folders of a run."""
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for folder in folders
        for path in sorted((root / folder).rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    "conditions",
    [("facts.contradicted < 2", "facts.contradicted == 0"), ("words >= q10", "words >= q60")],
)
def test_moving_a_threshold_redoes_only_what_follows_and_asks_nothing(
    conditions: tuple[str, str], data: Path, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "run")
    recipe = recipe_of(tmp_path, data, conditions[0])
    carry(recipe, workspace)
    first = account_of(recipe, workspace)
    assert first.finished
    assert first.calls().asked == 8
    before = ["00-source", "01-mark", "02-annotate", "03-judges", "journals"]
    untouched = files(workspace.root, *before)
    changed = recipe_of(tmp_path, data, conditions[1])
    plan = make_plan(changed, workspace)
    assert {step.stage for step in plan.steps if step.state != "done"} == {"keep", "later"}
    assert {step.changed for step in plan.stale} == {("parameters.segments",)}
    assert sum(c.calls for c in asyncio.run(count_new_calls(changed, workspace, plan))) == 0
    carry(changed, workspace)
    assert files(workspace.root, *before) == untouched
    second = account_of(changed, workspace)
    assert second.finished
    assert second.calls().asked == 8
    dropped = [sum(a.stages[4].captions_dropped.values()) for a in (first, second)]
    assert dropped[0] < dropped[1], "the test moves no threshold that matters"
    # Back again: the same bytes as at first.
    carry(recipe_of(tmp_path, data, conditions[0]), workspace)
    assert account_of(recipe, workspace).stages == first.stages


def test_the_account_and_the_side_files_tell_of_every_caption(data: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "run")
    recipe = recipe_of(tmp_path, data, "facts.contradicted == 0", "kept_share >= 0.7")
    carry(recipe, workspace)
    account = account_of(recipe, workspace).stages[4]
    storage = workspace.storage
    given = [
        Record.from_line(line)
        for n in range(3)
        for line in (workspace.root / f"04-keep/0000{n}.jsonl").read_bytes().splitlines()
    ]
    came = {
        (r.id, c.segment): c
        for n in range(3)
        for line in (workspace.root / f"03-judges/0000{n}.jsonl").read_bytes().splitlines()
        for r in [Record.from_line(line)]
        for c in r.captions
    }
    aside = [d for n in range(3) for d in read_dropped_captions(storage, "04-keep", f"0000{n}")]
    out = [d for n in range(3) for d in read_set_aside(storage, "04-keep", f"0000{n}", "dropped")]
    assert aside
    assert out
    left = {(r.id, c.segment) for r in given for c in r.captions}
    went = {(d.id, d.caption.segment) for d in aside}
    gone = {key for key in came if key[0] in {d.id for d in out}}
    assert left | went | gone == set(came)
    assert len(left) + len(went) + len(gone) == len(came)
    gaps = {(r.id, g.segment): g.reason for r in given for g in r.gaps}
    for one in aside:
        assert came[one.id, one.caption.segment] == one.caption
        assert one.reason == "facts.contradicted == 0"
        assert gaps[one.id, one.caption.segment or 0] == one.reason
        (score,) = (s.value for s in one.scores if s.name == "facts.contradicted")
        assert score > 0
    assert account.captions_dropped == {"facts.contradicted == 0": len(aside)}
    assert account.dropped == {"kept_share >= 0.7": len(out)}
    for dropped in out:
        assert "captions not kept: facts.contradicted == 0" in dropped.detail


@pytest.mark.parametrize("segments", ["words >= q40 and words < q90", "facts.contradicted == 0"])
def test_shards_of_any_size_give_the_same_bytes(segments: str, data: Path, tmp_path: Path) -> None:
    results = []
    for size in (1, 3, 100):
        workspace = Workspace(tmp_path / f"run-{size}")
        recipe = recipe_of(tmp_path, data, segments, size=size)
        carry(recipe, workspace)
        results.append(result_bytes(recipe, workspace))
    assert results[0] == results[1] == results[2]
    assert b'"gaps"' in results[0]


def test_a_score_that_no_stage_gives_is_found_when_the_recipe_is_read(
    data: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe_of(tmp_path, data, "facts.contradict == 0")
    text = str(caught.value)
    assert "no score is called 'facts.contradict'. Did you mean 'facts.contradicted'?" in text
    assert f"{tmp_path / 'recipe.yaml'}:" in text
    assert "stages.3.keep" in text


def test_a_mistake_that_only_the_records_show_ends_the_run(data: Path, tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, data, "words > 0", "words > 3")
    with pytest.raises(RecipeError, match=r"name words\.min, words\.max or words\.mean"):
        carry(recipe, Workspace(tmp_path / "run"))
