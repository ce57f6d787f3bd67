"""SA-Pancap files, PancapChain's and ASMv2's data: every kind of finding, shown by an entry."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from annoengine.checks.list_pass import ListTask
from annoengine.pancap.caption_list_checks import check_caption_entry
from annoengine.pancap.conversation_boxes import check_chain_entry, check_reference_entry
from annoengine.validation import find_datasets
from annoengine.validator import Finding, Rules
from annoengine.validators.asmv2 import Asmv2
from annoengine.validators.llava import Llava
from annoengine.validators.pancap_chain import PancapChain
from annoengine.validators.sa_pancap import SaPancap
from tests.validators.broken import check, names

BOX = "[[0.100, 0.200, 0.300, 0.400]]"


def caption(text: Any = f"A dog {BOX} runs.", path: Any = "sam/1.jpg", **more: Any) -> Any:
    return {"image_path": path, "gt_response": text, **more}


def written(folder: Path, value: Any, name: str = "file.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(value))
    return path


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([caption(), 3], "file-malformed"),
        ([caption(), {"image_path": "a.jpg"}], "entry-malformed"),
        ([caption(path=3)], "entry-malformed"),
        ([caption(7)], "entry-malformed"),
        ([caption(), caption("A cat " + BOX)], "image-listed-twice"),
        ([caption(path="../1.jpg")], "unsafe-path"),
        ([caption("A dog [[0.1, 0.2, 0.3]] runs.")], "box-wrong"),
        ([caption("A dog [[0.100, 0.200, 0.100, 0.400]] runs.")], "box-wrong"),
        ([caption("A dog [[-0.500, 0.200, 0.300, 0.400]] runs.")], "box-wrong"),
        ([caption("A dog [[0.300, 0.200, 0.100, 0.400]] runs.")], "box-reversed"),
        ([caption("A dog [[0.100, 0.200, 1.010, 0.400]] runs.")], "box-over-edge"),
        ([caption("A dog [[100, 200, 300, 400]] runs.")], "box-not-in-shares"),
        ([caption("A dog [[100, 200, 1300, 400]] runs.")], "box-not-in-shares"),
        ([caption("A dog [[0.1, 0.2, 0.3, 0.4]] runs.")], "box-form"),
        ([caption("A dog [0.100, 0.200, 0.300, 0.400] runs.")], "box-form"),
        ([caption(f"A dog {BOX} runs, and a cat {BOX} sleeps.")], "box-twice"),
        ([caption("A dog runs.")], "caption-without-box"),
        ([caption(" ")], "caption-empty"),
        ([caption("I'm sorry, but I cannot describe this image.")], "caption-refusal"),
        ([caption(f"The highlighted object is a dog {BOX}.")], "caption-leak"),
        ([caption(f"Un perro {BOX} está en la hierba con su dueño.")], "caption-language"),
    ],
)
def test_every_kind_of_fault_of_a_caption(entries: list[Any], code: str, tmp_path: Path) -> None:
    path = written(tmp_path, entries)
    assert SaPancap.recognises(path)
    assert code in names(check(path, SaPancap))


def test_what_is_right_has_no_finding(tmp_path: Path) -> None:
    path = written(tmp_path, [caption(), caption(path="2.jpg")])
    assert check(path, SaPancap) == []
    predicted = [{"image_path": "1.jpg", "model_response": f"A dog {BOX} runs."}]
    assert check(written(tmp_path, predicted), SaPancap) == []
    # Published captions speak of bounding boxes; those clauses are the format's own.
    text = f"A ring lies on a flower, and the ring's bounding box is {BOX}."
    assert check(written(tmp_path, [caption(text)]), SaPancap) == []


def test_lists_are_checked_and_compared_with_their_captions(tmp_path: Path) -> None:
    listed = written(tmp_path, ["a.jpg", "a.jpg", "/b.jpg"], "x_val_data_list.json")
    assert SaPancap.recognises(listed)
    assert names(check(listed, SaPancap)) == {"image-listed-twice", "unsafe-path"}
    captions = written(tmp_path, [caption(path="a.jpg"), caption(path="c.jpg")],
                       "x_val_gtcaption.json")  # fmt: skip
    found = check(captions, SaPancap)
    assert [finding.message for finding in found] == [
        "'/b.jpg' is listed, and x_val_gtcaption.json has no caption of it",
        "1 images of x_val_gtcaption.json are not among its 3",
    ]
    listed.write_text('["a.jpg", "c.jpg"')
    assert names(check(captions, SaPancap)) == {"file-malformed"}
    assert not SaPancap.recognises(written(tmp_path, ["a text"]))


def test_photographs_are_looked_for(tmp_path: Path) -> None:
    Image.new("RGB", (4, 3)).save(tmp_path / "here.jpg")
    path = written(tmp_path, [caption(path="here.jpg"), caption(path="gone.jpg")])
    (finding,) = check(path, SaPancap, images=tmp_path)
    assert finding.line().startswith("image gone.jpg:")
    listed = written(tmp_path, ["here.jpg", "gone.jpg"], "list.json")
    assert len(check(listed, SaPancap, images=tmp_path)) == 1


ONE, TWO = "<box>[[1, 2, 30, 40]]</box>", "<box>[[5, 6, 70, 80]]</box>"
LOCALISE = "Please localize all entities in this image."
TAG = "Please specify the semantic tags of all entities based on their bounding boxes: "
DISCOVER = (
    "Please specify missing entities and their locations for this image based on these specified "
    "entities: "
)
CAPTION = "Please provide a hyper-detailed description for this image, based on boxes and tags: "


def talk(question: str, answer: str, image: str = "1.jpg", id: str = "") -> Any:
    turns = [
        {"from": "human", "value": f"<image>\n{question}"},
        {"from": "gpt", "value": answer},
    ]
    return {"id": id or f"{image}/{question[:24]}", "image": image, "conversations": turns}


RIGHT = [
    talk(LOCALISE, f"{ONE}, {TWO}"),
    talk(TAG + f"{ONE}, {TWO}", f"dog {ONE}, cat {TWO}"),
    talk(DISCOVER + f"dog {ONE}", f"cat {TWO}"),
    talk(CAPTION + f"dog {ONE}, cat {TWO}", f"A dog {ONE} chases a cat {TWO}."),
]


def test_a_chain_that_agrees_is_right(tmp_path: Path) -> None:
    path = written(tmp_path, RIGHT)
    assert PancapChain.recognises(path)
    assert not Llava.recognises(path)
    assert not Asmv2.recognises(path)
    assert check(path, PancapChain) == []


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([talk(LOCALISE, ONE), 3], "file-malformed"),
        ([talk(LOCALISE, ONE), {"id": "x"}], "entry-malformed"),
        ([talk(LOCALISE, ONE), talk("Why?", "So.")], "question-unknown"),
        ([talk(LOCALISE, ONE, image="../1.jpg")], "unsafe-path"),
        ([talk(LOCALISE, ONE, id="7"), talk(LOCALISE, ONE, id="7")], "entry-id-twice"),
        ([talk(LOCALISE, f"{ONE}, <box>[[1, 2]]</box>")], "instances-malformed"),
        ([talk(LOCALISE, f"{ONE} and nothing else")], "instances-malformed"),
        ([talk(TAG + ONE, ONE)], "tag-missing"),
        ([talk(LOCALISE, f"dog {ONE}")], "tag-unasked"),
        ([talk(TAG + f"dog {ONE}", f"dog {ONE}")], "tag-unasked"),
        ([talk(LOCALISE, "<box>[[1, 2, 1001, 4]]</box>")], "box-wrong"),
        ([talk(LOCALISE, "<box>[[5, 2, 5, 4]]</box>")], "box-wrong"),
        ([talk(TAG + ONE, f"dog {TWO}")], "boxes-differ"),
        ([talk(DISCOVER + f"dog {ONE}", f"dog {ONE}")], "entity-not-missing"),
        ([talk(DISCOVER + f"dog {ONE}", f"dog {TWO}, cat {TWO}")], "more-missing-than-told"),
        ([talk(CAPTION + f"dog {ONE}", f"A dog {ONE} and a cat {TWO}.")], "caption-box-untold"),
        ([talk(CAPTION + f"dog {ONE}, cat {TWO}", f"A dog {ONE}.")], "caption-box-missing"),
        ([RIGHT[0], talk(TAG + ONE, f"dog {ONE}")], "stages-disagree"),
        ([RIGHT[1], talk(DISCOVER + f"dog {ONE}", "None")], "stages-disagree"),
        ([talk(LOCALISE, " ")], "turn-empty"),
    ],
)
def test_every_kind_of_fault_of_a_chain(entries: list[Any], code: str, tmp_path: Path) -> None:
    assert code in names(check(written(tmp_path, entries), PancapChain))


def referring(answer: str) -> Any:
    return talk("What is this?", answer)


DOG = "<ref>A dog</ref><box>[[1, 2, 30, 40]]</box>"
CATS = "<ref>two cats</ref><box>[[5, 6, 70, 80], [7, 8, 90, 99]]</box>"
PRED = "<pred>chases</pred><box>[[1, 2, 30, 40]]</box><box>[[5, 6, 70, 80], [7, 8, 90, 99]]</box>"

THREE = PRED.replace("[[1, 2, 30, 40]]", "[[1, 2, 30, 40], [5, 6, 70, 80], [7, 8, 90, 99]]")


def test_references_and_predicates_that_agree_are_right(tmp_path: Path) -> None:
    path = written(tmp_path, [referring(f"{DOG} {PRED} {CATS}.")])
    assert Asmv2.recognises(path)
    assert not Llava.recognises(path)
    assert check(path, Asmv2) == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (f"{DOG} and <ref>a cat</ref> too.", "reference-malformed"),
        (f"{DOG} and <box>[[1, 2, 3, 4]]</box>.", "reference-malformed"),
        (f"{DOG} and <ref>a cat</ref><box>[[1, 2]]</box>.", "reference-malformed"),
        (f"{DOG} and <ref> </ref><box>[[1, 2, 3, 4]]</box>.", "reference-empty"),
        (f"{DOG} {PRED.replace('chases', '')} {CATS}.", "reference-empty"),
        (DOG.replace("40", "1040"), "box-wrong"),
        (DOG.replace("40", "2"), "box-wrong"),
        (f"{DOG} {CATS} {THREE}", "predicate-count"),
        (f"{DOG} {PRED}", "predicate-box-unknown"),
    ],
)
def test_every_kind_of_fault_of_references(answer: str, code: str, tmp_path: Path) -> None:
    assert code in names(check(written(tmp_path, [referring(answer)]), Asmv2))


def test_answers_without_a_box_are_told(tmp_path: Path) -> None:
    entries = [referring(DOG), talk("And this?", "A cat.", image="2.jpg")]
    assert names(check(written(tmp_path, entries), Asmv2)) == {"answer-without-box"}


def test_a_folder_is_told_apart_by_content(tmp_path: Path) -> None:
    written(tmp_path, [caption()], "a_gtcaption.json")
    written(tmp_path, ["sam/1.jpg"], "a_data_list.json")
    written(tmp_path, RIGHT, "chain.json")
    written(tmp_path, [referring(DOG)], "as.json")
    written(tmp_path, [talk("What is this?", "A dog.")], "llava.json")
    kinds = {found.path.name: found.kind for found in find_datasets(tmp_path).datasets}
    assert kinds == {
        "a_gtcaption.json": "sa_pancap",
        "a_data_list.json": "sa_pancap",
        "chain.json": "pancap_chain",
        "as.json": "asmv2",
        "llava.json": "llava",
    }


@pytest.mark.parametrize(
    "function", [check_caption_entry, check_chain_entry, check_reference_entry]
)
@pytest.mark.parametrize("raw", [b"{", b"[]", b"{}", b'{"conversations": [1]}', b'"x"', b"null"])
def test_checks_run_in_other_processes_and_never_raise(function: Any, raw: bytes) -> None:
    task = ListTask("f.json", Rules(), None, 0, raw)
    report = pickle.loads(pickle.dumps(function))(task)
    assert report.findings
    assert all(isinstance(finding, Finding) for finding in report.findings)
