"""LLaVA instruction files in which captions are replaced: what changes, and that no more does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.errors import InputError
from annoengine.exporter import Exported
from annoengine.exporters.llava import Llava, LlavaParameters
from annoengine.reading.llava_file import read_llava
from annoengine.record import Caption, Photo, Record
from annoengine.writing.replaced_answers import replace_answers
from annoengine.writing.text_spool import TextSpool
from tests.exporters.grounded_files import ORIGIN, contents, read_json, read_lines
from tests.exporters.runs import Run
from tests.reading.test_llava_file import talk

CAPTION = 'A blue tray with "bread" — and broccoli.\n\nThat is all.'


def run_of(*files: str, text: str = CAPTION) -> Run:
    """Records without masks, each with a paragraph that names its photograph."""
    run = Run()
    for number, file in enumerate(files, start=1):
        run.given.append(
            Record(
                id=f"coco/train/{number}",
                photo=Photo(file=file, width=4, height=4, sha256=""),
                captions=(Caption(text=f"{text} {file}", origin=ORIGIN),),
            )
        )
    return run


def export(run: Run, folder: Path, **parameters: Any) -> Exported:
    folder.mkdir(exist_ok=True)
    kinds = ["detailed_caption"]
    return Llava(LlavaParameters.model_validate({"kinds": kinds, **parameters})).export(run, folder)


ASKED = "What do you see happening in this image?\n<image>"


def mixture() -> list[dict[str, Any]]:
    """As in llava_v1_5_mix665k: pictures of several datasets, and text without any."""
    return [
        talk("9", "coco/train2017/000000000009.jpg", ASKED, "Old é one."),
        talk("9", "coco/train2017/000000000009.jpg", "<image>\nWhy is it blue?", "Reasons."),
        talk("sharegpt_7", None, "Hello", 'He said "hi".', "Bye", "Bye."),
        talk("25", "coco/train2017/000000000025.jpg", ASKED, "Old two."),
        talk("30", "coco/train2017/000000000030.jpg", ASKED, "Old three."),
        talk("9.jpg", "vg/VG_100K/9.jpg", "<image>\nWhere is it?", "[0.1, 0.2, 0.3, 0.4]"),
        {**talk("36", "coco/train2017/000000000036.jpg", ASKED), "more": [{"a": "]}"}]},
    ]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("ascii", [True, False])
def test_only_the_answers_of_the_subset_change(
    indent: int | None, ascii: bool, tmp_path: Path
) -> None:
    entries = mixture()
    file = tmp_path / "llava_mix.json"
    text = json.dumps(entries, indent=indent, ensure_ascii=ascii)
    file.write_text(text + "\n", encoding="utf-8")
    run = run_of("000000000009.jpg", "COCO_train2014_000000000025.jpg", "000000000042.jpg")
    exported = export(run, tmp_path / "out", replace=file)
    assert exported.counts == {
        "detailed_caption conversations": 3,
        "answers replaced": 2,
        "answers left for lack of a caption": 1,
        "entries not of the subset": 4,
        "captions that no entry asks for": 1,
    }
    assert exported.notes == [
        "llava_mix_replaced.json: 2 of the 3 answers of detail_23k are replaced; the other 4 "
        "entries are as they were"
    ]
    # To the byte: the old text with the two answers put into their places by hand.
    new = text + "\n"
    for old, caption in zip(("Old é one.", "Old two."), run.given, strict=False):
        written = json.dumps(old, ensure_ascii=ascii)
        assert new.count(written) == 1
        new = new.replace(written, json.dumps(caption.captions[0].text, ensure_ascii=False))
    assert (tmp_path / "out/llava_mix_replaced.json").read_text("utf-8") == new
    assert read_lines(tmp_path / "out/replaced_answers.jsonl") == [
        {"position": at, "id": id, "image": image, "record": record, "replaced": replaced}
        for at, id, image, record, replaced in (
            (0, "9", "coco/train2017/000000000009.jpg", "coco/train/1", True),
            (3, "25", "coco/train2017/000000000025.jpg", "coco/train/2", True),
            (4, "30", "coco/train2017/000000000030.jpg", None, False),
        )
    ]
    assert "llava_mix_replaced.json" in contents(tmp_path / "out")
    assert not [name for name in contents(tmp_path / "out") if name.endswith(".part")]


def test_a_byte_order_mark_stays(tmp_path: Path) -> None:
    file = tmp_path / "mix.json"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(mixture()).encode())
    export(run_of("000000000009.jpg", text="New."), tmp_path / "out", replace=file)
    data = (tmp_path / "out/mix_replaced.json").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf[")
    first, second, *_ = read_llava(tmp_path / "out/mix_replaced.json")
    assert first.turns[1][1] == "New. 000000000009.jpg"
    assert second.turns[1][1] == "Reasons."


def test_a_subset_from_a_file(tmp_path: Path) -> None:
    file, subset = tmp_path / "mix.json", tmp_path / "some.json"
    file.write_text(json.dumps(mixture()), encoding="utf-8")
    subset.write_text(json.dumps(["25", "9.jpg", "36"]), encoding="utf-8")
    run = run_of("000000000009.jpg", "000000000025.jpg", "9.jpg")
    exported = export(run, tmp_path / "out", replace=file, subset=str(subset))
    assert exported.counts["answers replaced"] == 2
    assert exported.counts["entries of the subset without an answer"] == 1
    old, new = mixture(), read_json(tmp_path / "out/mix_replaced.json")
    changed = [at for at, entry in enumerate(old) if new[at] != entry]
    assert changed == [3, 5]


def test_what_cannot_be_done_is_told(tmp_path: Path) -> None:
    run = run_of("000000000009.jpg")
    with pytest.raises(InputError) as caught:
        export(run, tmp_path / "a", replace=tmp_path / "none.json")
    assert str(caught.value) == (
        f"there is no file {str(tmp_path / 'none.json')!r} whose answers could be replaced; give "
        "LLaVA's instruction file, such as llava_instruct_150k.json or llava_v1_5_mix665k.json"
    )
    file = tmp_path / "reasons.json"
    file.write_text(json.dumps(mixture()[1:3]), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        export(run, tmp_path / "b", replace=file)
    assert str(caught.value) == (
        f"{file} has no entry of the subset 'detail_23k' among its 2 entries; is it the file that "
        "was meant?"
    )
    twice = run_of("train/000000000009.jpg", "val/000000000009.jpg")
    with pytest.raises(InputError) as caught:
        export(twice, tmp_path / "c", replace=file)
    assert str(caught.value) == (
        "two photographs of the run would both be '000000000009' in the file to replace in: "
        "coco/train/1 and coco/train/2; rename one of them, or export them apart"
    )
    # Nobody minds where nothing is replaced.
    assert export(twice, tmp_path / "d").counts == {"detailed_caption conversations": 2}


def test_a_caption_that_cannot_be_written_replaces_nothing(tmp_path: Path) -> None:
    file = tmp_path / "mix.json"
    file.write_text(json.dumps(mixture()), encoding="utf-8")
    run = run_of("000000000009.jpg", "000000000025.jpg")
    said = run.given[0].captions[0].but(text="It says <image>.")
    run.given[0] = run.given[0].but(captions=(said,))
    exported = export(run, tmp_path / "out", replace=file)
    assert exported.counts["answers replaced"] == 1
    assert read_json(tmp_path / "out/mix_replaced.json")[0] == mixture()[0]


@settings(max_examples=30)
@given(
    answers=st.lists(st.text(max_size=20).filter(lambda t: t.isprintable()), max_size=6),
    new=st.text(max_size=20),
)
def test_any_answers_change_places_alone(
    answers: list[str], new: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    try:
        new.encode()
    except UnicodeEncodeError:
        return  # a lone surrogate is in no caption
    folder = tmp_path_factory.mktemp("any")
    file = folder / "all.json"
    entries = [talk(str(at), f"{at}.jpg", f"{text}?", text) for at, text in enumerate(answers)]
    file.write_text(json.dumps(entries), encoding="utf-8")
    with TextSpool(folder / "spool") as spool:
        for at in range(0, len(answers), 2):
            spool.add(f"{at}.jpg", f"record {at}", new)
        replace_answers(file, folder, ((e, e.image) for e in read_llava(file)), spool)
    for at in range(0, len(answers), 2):
        entries[at]["conversations"][1]["value"] = new
    assert read_json(folder / "all_replaced.json") == entries
