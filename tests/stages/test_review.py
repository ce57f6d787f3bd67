"""People in between: who waits, who goes on, what that costs, and what is never lost."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from annoengine.account import Account
from annoengine.errors import InputError, PeopleAwaited, WorkspaceError
from annoengine.estimate import count_new_calls
from annoengine.events import Event, Note
from annoengine.export_run import FinishedRun
from annoengine.mask import Mask, mask_from_rle
from annoengine.plan import make_plan
from annoengine.recipe import Recipe, load_recipe
from annoengine.record import Record
from annoengine.runner import finished_records
from annoengine.shard import read_records
from annoengine.workspace import Shards, Workspace
from annoengine.writing.record_masks import rles_of
from tests.engine.carrying import account_of, carry, result_bytes
from tests.reviewing.toys import (
    carry_on,
    correct,
    drafts_in,
    load_review,
    mask_of,
    recaptioned,
    review_recipe,
    signed,
)
from tests.toy import Batch, Echo


@pytest.fixture(autouse=True)
def _forget() -> None:
    for provider in (Echo, Batch):
        provider.forget()


def review_of(account: Account) -> Any:
    return next(stage for stage in account.stages if stage.stage == "review")


def asked(word: str) -> int:
    """How many calls there were whose text begins so."""
    return sum(n for text, n in Echo.calls.items() if text.startswith(word))


def files_of(workspace: Workspace) -> dict[str, bytes]:
    """Everything that must be the same, however it came about."""
    return {
        path.relative_to(workspace.root).as_posix(): path.read_bytes()
        for path in sorted(workspace.root.glob("0*/*"))
    }


def notes_of(recipe: Recipe, workspace: Workspace, **options: Any) -> list[str]:
    """What a run has to say to the person who watches."""
    events: list[Event] = []
    with contextlib.suppress(PeopleAwaited):
        carry(recipe, workspace, on_event=events.append, **options)
    return [event.text for event in events if isinstance(event, Note)]


def test_all_wait_and_the_account_says_so(tmp_path: Path) -> None:
    recipe, workspace = load_review(tmp_path), Workspace(tmp_path / "run")
    awaited = carry_on(recipe, workspace)
    assert awaited is not None
    assert awaited.exit_code == 5
    folder = workspace.root
    assert str(awaited) == (
        "6 record(s) wait for people at review (6 not reviewed). Their drafts are the lines of "
        f"{folder}/02-review/*.drafts.jsonl; copy them to {folder}/corrections/review.jsonl, "
        "correct them there, and run the same command again (`annoengine show RUN RECORD --png "
        "FILE` draws one); with --set review.wait=listed, drafts that nobody has reviewed go on "
        "as they are"
    )
    review = review_of(account_of(recipe, workspace))
    assert (review.came_in, review.given, review.pending) == (6, 0, 6)
    assert review.paused == {"not reviewed": 6}
    assert (asked("What"), asked("merge")) == (6, 0)
    assert [draft["record"] for draft in drafts_in(workspace)] == [f"toy/val/{n}" for n in range(6)]
    with pytest.raises(WorkspaceError, match=r"shard 0 wait for people at review \(4 not review"):
        list(finished_records(recipe, workspace))


def test_reviewed_records_go_on_and_the_others_follow(tmp_path: Path) -> None:
    recipe, workspace = load_review(tmp_path), Workspace(tmp_path / "run")
    carry_on(recipe, workspace)
    drafts = drafts_in(workspace)
    correct(workspace, recaptioned(drafts[1], 5, "A cat sits."), drafts[4])
    plan = make_plan(recipe, workspace)
    assert not plan.changed, "no --redo is needed"
    assert {s.state for s in plan.of(2)} == {"follows"}
    (_, count) = asyncio.run(count_new_calls(recipe, workspace, plan))
    # Two may be asked now, and four when people have seen them.
    assert (count.stage, count.calls, count.exact) == ("merges", 6, False)
    assert carry_on(recipe, workspace) is not None
    (_, count) = asyncio.run(count_new_calls(recipe, workspace, make_plan(recipe, workspace)))
    assert (count.calls, count.exact) == (4, False)
    assert (asked("What"), asked("merge")) == (6, 2)
    review = review_of(account_of(recipe, workspace))
    assert (review.given, review.pending, review.paused) == (2, 4, {"not reviewed": 4})
    correct(workspace, recaptioned(drafts[1], 5, "A cat sits."), *drafts[2:], drafts[0])
    assert carry_on(recipe, workspace) is None
    assert (asked("What"), asked("merge")) == (6, 6)
    account = account_of(recipe, workspace)
    assert account.finished
    assert not account.paused
    assert not drafts_in(workspace)
    records = [record for _, record in finished_records(recipe, workspace)]
    assert [record.id for record in records] == [f"toy/val/{n}" for n in range(6)]
    changed = [s.value for r in records for s in r.scores if s.name == "review.changed"]
    assert changed == [0, 1, 0, 0, 0, 0], "a line as it was copied changes nothing"
    caption = records[1].caption_of(5)
    assert caption is not None
    assert (caption.text, caption.origin.who) == ("A cat sits.", "Ann")
    assert caption.earlier[0].model == "echo-a"


def test_listed_lets_drafts_go_on_and_offers_them(tmp_path: Path) -> None:
    recipe, workspace = load_review(tmp_path, {"wait": "listed"}), Workspace(tmp_path / "run")
    assert carry_on(recipe, workspace) is None
    drafts = drafts_in(workspace)
    assert len(drafts) == 6
    assert "waits" not in drafts[0]
    correct(workspace, {"record": "toy/val/2", "open": True})
    awaited = carry_on(recipe, workspace)
    assert "(1 still open)" in str(awaited)
    assert "wait=listed" not in str(awaited)
    review = review_of(account_of(recipe, workspace))
    assert (review.given, review.paused) == (5, {"still open": 1})
    assert [record.scores[0].value for record in so_far(workspace)] == [0.0] * 5


def so_far(workspace: Workspace) -> list[Record]:
    """What is at the end already while others wait."""
    return [
        record
        for path in sorted(workspace.root.glob("03-merges/0000?.jsonl"))
        for record in read_records(workspace.storage, f"03-merges/{path.name}")
    ]


def test_none_goes_straight_on(tmp_path: Path) -> None:
    recipe, workspace = load_review(tmp_path, "none"), Workspace(tmp_path / "run")
    assert notes_of(recipe, workspace) == []
    assert not drafts_in(workspace)
    before = (workspace.root / "01-drafts/00000.jsonl").read_bytes()
    assert (workspace.root / "02-review/00000.jsonl").read_bytes() == before
    path = correct(workspace, {"record": "toy/val/2"})
    assert notes_of(recipe, workspace) == [
        f"review: nobody is waited for (wait: none), so that {path} is not read; "
        "--set review.wait=listed takes its corrections in"
    ]


def test_to_wait_for_others_than_before_is_no_other_recipe(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "run")
    assert carry_on(load_review(tmp_path, "none"), workspace) is None
    for review in ({"wait": "listed"}, {"wait": "all"}, {"corrections": "c.jsonl"}, "none"):
        recipe = load_review(tmp_path, review)
        assert not make_plan(recipe, workspace).changed
        carry_on(recipe, workspace)
    assert (asked("What"), asked("merge")) == (6, 6)
    assert account_of(recipe, workspace).finished


def test_seven_corrections_of_sixty_ask_seven_things_again(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"review": {"wait": "listed"}, "n": 60, "shard_size": 8}
    recipe, workspace = load_review(tmp_path, **settings), Workspace(tmp_path / "run")
    assert carry_on(recipe, workspace) is None
    assert (asked("What"), asked("merge")) == (60, 60)
    before = {path: path.stat().st_mtime_ns for path in workspace.root.glob("0[1-3]-*/*.done.json")}
    drafts = {draft["record"]: draft for draft in drafts_in(workspace)}
    some = [f"toy/val/{n}" for n in (3, 4, 17, 18, 19, 42, 59)]
    lines = [recaptioned(drafts[id], 5, f"Another {id}.") for id in some]
    correct(workspace, *lines)
    Echo.calls.clear()
    (_, count) = asyncio.run(count_new_calls(recipe, workspace, make_plan(recipe, workspace)))
    assert (count.calls, count.exact) == (7, True)
    assert carry_on(recipe, workspace) is None
    assert set(Echo.calls) == {
        f"merge {id}: 3 echo: What is in {id.rpartition('/')[2]}? sky-other-merged"
        f" | 5 Another {id}."
        for id in some
    }
    assert set(Echo.calls.values()) == {1}
    changed = {
        path.relative_to(workspace.root).as_posix().removesuffix(".done.json")
        for path, when in before.items()
        if path.stat().st_mtime_ns != when
    }
    # Records 3 and 4 are in shard 0, 17 to 19 in 2, 42 in 5, 59 in 7: no other was touched.
    assert changed == {
        f"{folder}/0000{k}" for folder in ("02-review", "03-merges") for k in (0, 2, 5, 7)
    }
    # A run that had them from the beginning ends in the same bytes, whatever its shards.
    for size in (8, 13):
        fresh = Workspace(tmp_path / f"fresh-{size}")
        correct(fresh, *lines)
        again = load_review(tmp_path, **{**settings, "shard_size": size})
        assert carry_on(again, fresh) is None
        assert result_bytes(again, fresh) == result_bytes(recipe, workspace)
        if size == 8:
            assert files_of(fresh) == files_of(workspace)


def test_a_draft_that_changed_is_not_overwritten(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"review": {"wait": "listed"}}
    recipe, workspace = load_review(tmp_path, **settings), Workspace(tmp_path / "run")
    carry_on(recipe, workspace)
    drafts = drafts_in(workspace)
    correct(workspace, recaptioned(drafts[1], 5, "A cat sits."), {"record": "toy/val/0"})
    assert carry_on(recipe, workspace) is None
    changed = load_review(tmp_path, **settings, drafts={"question": "Describe {id}"})
    awaited = carry_on(changed, workspace)
    assert "(1 draft changed)" in str(awaited)
    assert 'A draft with "because" says what is wrong with the correction' in str(awaited)
    review = review_of(account_of(changed, workspace))
    assert (review.given, review.pending, review.paused) == (5, 1, {"draft changed": 1})
    (waiting,) = [draft for draft in drafts_in(workspace) if draft.get("waits")]
    # Of the two captions that are others by now the first is told.
    assert waiting["because"] == (
        "corrections/review.jsonl:1: segment 3: its caption is 'echo: Describe 1 "
        "sky-other-merged' by now"
    )
    # The line that quotes nothing was a general assent, and the new draft goes on.
    correct(workspace, recaptioned(waiting, 5, "A cat sits."))
    assert carry_on(changed, workspace) is None


def test_what_does_not_fit_waits_with_its_sentence(tmp_path: Path) -> None:
    recipe, workspace = load_review(tmp_path, {"wait": "listed"}), Workspace(tmp_path / "run")
    shape = {"polygons": [[50, 0, 60, 0, 60, 9]]}
    correct(
        workspace,
        signed({"record": "toy/val/1", "segments": [{"segment": 9, "remove": True}]}),
        signed({"record": "toy/val/2", "added": [{"category": {"name": "cat"}, "shape": shape}]}),
    )
    assert "(2 does not fit)" in str(carry_on(recipe, workspace))
    because = [draft["because"] for draft in drafts_in(workspace) if draft.get("waits")]
    assert because == [
        "corrections/review.jsonl:1: the record has no segment 9; it has 3, 5",
        "corrections/review.jsonl:2: segment 6: its segmentation[0] has the point (50, 0), far "
        "outside of the 8×4 photograph",
    ]


def test_what_is_amiss_with_the_file_is_told(tmp_path: Path) -> None:
    recipe, workspace = load_review(tmp_path, {"wait": "listed"}), Workspace(tmp_path / "run")
    lines = [{"record": f"toy/val/{n}"} for n in (1, 1, 7, 8, 9, 10)]
    path = correct(workspace, *lines)
    with path.open("ab") as file:
        file.write(b'{"record": "toy/va')
    assert notes_of(recipe, workspace) == [
        f"{path}:7: the last line breaks off after 18 bytes and is not used; its writer was "
        "stopped, or it is still being written",
        f"{path}: 1 line(s) do not count, since a later line is about the same record",
        f"review: no record of this name has come this far: {path}:3: toy/val/7, {path}:4: "
        f"toy/val/8, {path}:5: toy/val/9, … (4 in all); nothing was done with these lines",
    ]


def test_a_part_of_the_shards_says_nothing_of_records_elsewhere(tmp_path: Path) -> None:
    recipe, workspace = load_review(tmp_path), Workspace(tmp_path / "run")
    correct(workspace, {"record": "toy/val/0"}, {"record": "toy/val/5"})
    notes = notes_of(recipe, workspace, shards=Shards.parse("0"))
    assert notes == []
    with pytest.raises(PeopleAwaited, match=r"3 record\(s\) wait"):
        carry(recipe, workspace, shards=Shards.parse("0"))


def test_a_file_with_a_fault_ends_the_run_before_anything_is_asked(tmp_path: Path) -> None:
    recipe, workspace = load_review(tmp_path), Workspace(tmp_path / "run")
    path = correct(workspace, {"record": "toy/val/0"}, {"record": "toy/val/1", "caption": "A."})
    with pytest.raises(InputError) as caught:
        carry(recipe, workspace)
    assert str(caught.value).startswith(f"{path}:2: toy/val/1: unknown key 'caption'.")
    assert not Echo.calls


def test_a_barrier_waits_for_people_as_well(tmp_path: Path) -> None:
    path = review_recipe(tmp_path)
    data = path.read_text(encoding="utf-8").replace(
        "tests.reviewing.toys:Merges: {}", "tests.toy:Median: {}"
    )
    path.write_text(data, encoding="utf-8")
    recipe, workspace = load_recipe(path), Workspace(tmp_path / "run")
    correct(workspace, *({"record": f"toy/val/{n}"} for n in range(5)))
    assert "1 record(s) wait" in str(carry_on(recipe, workspace))
    assert not list(workspace.root.glob("03-merges/decision.json"))
    correct(workspace, *({"record": f"toy/val/{n}"} for n in range(6)))
    assert carry_on(recipe, workspace) is None
    assert len(list(finished_records(recipe, workspace))) == 3


def test_an_added_region_has_its_mask_to_the_end(tmp_path: Path) -> None:
    recipe, workspace = load_review(tmp_path, {"wait": "listed"}), Workspace(tmp_path / "run")
    shape = {"polygons": [[4, 1, 6, 1, 6, 3, 4, 3]]}
    correct(
        workspace,
        signed(
            {
                "record": "toy/val/1",
                "segments": [{"segment": 5, "remove": "a shadow"}],
                "added": [{"category": {"name": "cat"}, "caption": "A cat.", "shape": shape}],
            }
        ),
    )
    assert carry_on(recipe, workspace) is None
    assert "merge toy/val/1: 3 echo: What is in 1? sky-other-merged | 6 A cat." in Echo.calls
    run = FinishedRun(recipe, workspace)
    masks: dict[str, dict[int, Mask]] = {}
    for record in run.records():
        rles = rles_of(record, run.files(record))
        masks[record.id] = {id: mask_from_rle(rle) for id, rle in rles.items()}
    assert list(masks["toy/val/1"]) == [3, 6]
    assert (masks["toy/val/1"][3] == mask_of(3)).all()
    assert masks["toy/val/1"][6].sum() == 4
    assert list(masks["toy/val/0"]) == [3, 5]
    line = orjson.loads((workspace.root / "02-review/00000.masks.jsonl").read_bytes())
    assert line["id"] == "toy/val/1"
    # Taken back, nothing of it stays behind.
    correct(workspace)
    assert carry_on(recipe, workspace) is None
    assert not list(workspace.root.glob("02-review/*.masks.jsonl"))


def test_two_reviews_of_one_recipe_have_a_file_each(tmp_path: Path) -> None:
    path = review_recipe(tmp_path, {"wait": "listed"})
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    data["stages"].append({"review": {"wait": "listed"}, "as": "last"})
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    recipe, workspace = load_recipe(path), Workspace(tmp_path / "run")
    assert carry_on(recipe, workspace) is None
    last = drafts_in(workspace, "04-last")
    paragraph = {**last[2]["paragraph"], "caption": "<2: A dog> under <1: a sky>."}
    correct(workspace, signed(last[2], paragraph=paragraph), name="last")
    assert carry_on(recipe, workspace) is None
    records = [record for _, record in finished_records(recipe, workspace)]
    whole = records[2].captions[-1]
    assert (whole.text, whole.origin.stage) == ("A dog under a sky.", "last")
    assert [span.segments for span in whole.spans] == [(5,), (3,)]
    assert [origin.stage for origin in whole.earlier] == ["merges"]
