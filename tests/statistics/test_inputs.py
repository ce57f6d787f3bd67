"""Every format is recognised by its content and read to the samples that are in it."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from annoengine.errors import InputError
from annoengine.exporters.coconut_pancap import CoconutPancap
from annoengine.exporters.glamm_gcg import GlammGcg
from annoengine.exporters.huggingface import Huggingface, HuggingfaceParameters
from annoengine.statistics.counting import count_captions
from annoengine.statistics.datasets import KINDS, Reading, open_dataset
from annoengine.statistics.sample import CaptionDataset, Sample
from tests.exporters.grounded_files import made_scenes
from tests.statistics.datasets import (
    DOG,
    PERSON,
    RACKET,
    TAGGED,
    UNTAGGED,
    coconut_pancap,
    coconut_panoptic,
    gcg,
    llava,
    panoptic,
    pix2cap,
    segment,
    tar_of,
    write_json,
)


def opened(path: Path, **how: Any) -> CaptionDataset:
    return open_dataset(str(path), Reading(**how))


def read(path: Path, expected: str, **how: Any) -> list[Sample]:
    """The samples of a dataset, which is found to be of the expected kind."""
    dataset = opened(path, **how)
    assert dataset.kind == expected
    return list(dataset.samples())


def lines(path: Path, *entries: Any) -> Path:
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), encoding="utf-8")
    return path


def test_pix2cap(tmp_path: Path) -> None:
    dataset = opened(pix2cap(tmp_path / "val.json"))
    assert dataset.kind == "pix2cap"
    names = {"person", "dog", "tennis racket", "sky-other-merged"}
    assert set(dataset.class_names() or ()) == names
    assert list(dataset.samples()) == [
        Sample("1", "region", (PERSON, DOG), 4, 3, 2),
        Sample("2", "region", (RACKET,), 1, 1, 1),
        Sample("3", "region", (), 1, 1, 0),
    ]


def test_pix2cap_predictions_and_lists_of_descriptions(tmp_path: Path) -> None:
    """Predictions have 'caption', which may be null; the loader takes lists too."""
    infos = [segment(1, 1, "A man.", field="caption"), segment(2, 1, None, field="caption")]
    file = write_json(
        tmp_path / "predicted.json", panoptic([{"image_id": 5, "segments_info": infos}])
    )
    assert read(file, "pix2cap") == [Sample("5", "region", ("A man.",), 2, 2, 1)]
    infos = [segment(1, 1, ["A man.", "He waits."])]
    write_json(file, panoptic([{"image_id": 5, "segments_info": infos}]))
    assert read(file, "pix2cap") == [Sample("5", "region", ("A man.", "He waits."), 1, 1, 1)]


def test_coconut_pancap_with_the_masks_beside_given_or_unknown(tmp_path: Path) -> None:
    """Of the ids 1, 2, 3 of the tags, 3 is a crowd; of 1, 2, 4 are two grounded."""
    tar = coconut_pancap(tmp_path / "export")
    known = [Sample("000000000009", "image", (UNTAGGED,), 4, 3, 2)]
    assert read(tar, "coconut_pancap") == known
    assert read(tmp_path / "export", "coconut_pancap") == known
    alone = tar_of(tmp_path / "alone.tar", {"caption_train2017/000000000009.txt": TAGGED.encode()})
    assert read(alone, "coconut_pancap") == [Sample("000000000009", "image", (UNTAGGED,))]
    masks = coconut_panoptic(tmp_path / "masks.json")
    assert read(alone, "coconut_pancap", panoptic=(masks,)) == known
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "000000000009.txt").write_text(TAGGED)
    (folder / "000000000010.txt").write_text("<9: A cat>.")
    dataset = opened(folder, panoptic=(masks,))
    assert list(dataset.samples()) == [
        *known,
        Sample("000000000010", "image", ("A cat.",)),
    ]
    assert dataset.notes.lines() == ["captions of images that the panoptic file has not: 1"]
    (folder / "000000000009.txt").write_text("<9: A cat>.")
    dataset = opened(folder, panoptic=(masks,))
    list(dataset.samples())
    assert "captions with an id that the panoptic file has not: 1" in dataset.notes.lines()


def test_pairs_of_picture_and_text(tmp_path: Path) -> None:
    tar = tar_of(tmp_path / "a.tar", {"9.jpg": b"...", "9.txt": b"A man.", "9.json": b"{}"})
    assert read(tar, "text_to_image") == [Sample("9", "image", ("A man.",))]
    assert read(tmp_path, "text_to_image") == read(tar, "text_to_image")


def test_glamm_gcg(tmp_path: Path) -> None:
    """A mask that two phrases share is one."""
    assert read(gcg(tmp_path / "gcg.json"), "glamm_gcg") == [
        Sample("sa_1.jpg", "image", (UNTAGGED,), 3)
    ]
    refs = [{"sentence": "a man", "segmentation": []}, {"sentence": "chairs", "segmentation": []}]
    entry = {"142": {"img_file_name": "1.jpg", "caption": "a man.", "refs": refs}}
    file = write_json(tmp_path / "refcocog.json", [entry])
    assert read(file, "glamm_gcg") == [Sample("142", "image", ("a man.",), 2)]


def test_llava(tmp_path: Path) -> None:
    assert read(llava(tmp_path / "llava.json"), "llava") == [
        Sample("coco/9.jpg", "image", ("A man sits by a tree.", "He waits."))
    ]


def test_sa_pancap(tmp_path: Path) -> None:
    """Published captions write boxes in three ways; what is left is what they say."""
    text = (
        "A **man** (bounding box: [[0.405, 0.348, 0.461, 0.441]]) stands [[0.0, 0.1, 0.9, 1.0]]. "
        "The hat's bounding box is [[0.1, 0.2, 0.3, 0.4]].\n\n"
    )
    said = "A man stands. The hat's bounding box is."
    for field in ("gt_response", "model_response"):
        file = write_json(tmp_path / f"{field}.json", [{"image_path": "sam/1.jpg", field: text}])
        assert read(file, "sa_pancap") == [Sample("sam/1.jpg", "image", (said,))]


def test_coco_captions(tmp_path: Path) -> None:
    annotations = [{"id": n, "image_id": 9, "caption": text} for n, text in enumerate("ab")]
    file = write_json(tmp_path / "captions.json", {"images": [], "annotations": annotations})
    assert read(file, "coco_captions") == [Sample("9", "image", (text,)) for text in "ab"]


def test_json_lines(tmp_path: Path) -> None:
    file = lines(tmp_path / "a.jsonl", {"image": "1.jpg", "caption": "A man."}, {"caption": "B."})
    assert read(file, "jsonl") == [
        Sample("1.jpg", "image", ("A man.",)),
        Sample("entry 1", "image", ("B.",)),
    ]
    lines(file, {"said": "A man."})
    assert read(file, "jsonl", text="said") == [Sample("entry 0", "image", ("A man.",))]
    listed = write_json(tmp_path / "list.json", [{"id": 3, "text": ["A man.", "B."]}])
    assert read(listed, "jsonl") == [Sample("3", "image", ("A man.", "B."))]


def test_parquet(tmp_path: Path) -> None:
    """What the exporter huggingface writes, and a file with one column of texts."""
    run = made_scenes(tmp_path / "data", 2)
    folder = tmp_path / "export"
    folder.mkdir()
    Huggingface(HuggingfaceParameters()).export(run, folder)
    samples = read(folder, "huggingface")
    assert [s.image for s in samples] == [record.image_id for record in run.given]
    for sample, record in zip(samples, run.given, strict=True):
        uncrowded = sum(not s.iscrowd for s in record.segments)
        assert sample.texts == (record.captions[0].text,)
        assert (sample.masks, sample.groundable) == (len(record.segments), uncrowded)
        assert sample.grounded == uncrowded
    names = {s.category.name for record in run.given for s in record.segments}
    assert set(opened(folder).class_names() or ()) == names


def test_one_run_in_three_formats_is_counted_alike(tmp_path: Path) -> None:
    """Text, masks and grounding are the same whatever they left as."""
    run = made_scenes(tmp_path / "data", 3)
    found = []
    for exporter in (CoconutPancap, GlammGcg, Huggingface):
        folder = tmp_path / exporter.__name__
        folder.mkdir()
        exporter(exporter.Parameters()).export(run, folder)
        (one,) = count_captions("d", opened(folder), None, workers=0)
        found.append(one)
    assert found[0].tally == found[1].tally == found[2].tally
    assert [one.images for one in found] == [3, 3, 3]
    assert (found[0].masks, found[0].groundable, found[0].grounded) == (
        *(found[2].masks, found[2].groundable, found[2].grounded),
    )
    # A GCG file has the masks that phrases are about, and no others.
    about = {(r.id, id) for r in run.given for span in r.captions[0].spans for id in span.segments}
    assert found[1].masks == len(about)


def test_parquet_of_others(tmp_path: Path) -> None:
    arrow: Any = importlib.import_module("pyarrow")
    parquet: Any = importlib.import_module("pyarrow.parquet")
    file = tmp_path / "a.parquet"
    columns = {"file_name": ["1.jpg", "2.jpg"], "text": [["A man.", "B."], None]}
    parquet.write_table(arrow.table(columns), file)
    assert read(file, "huggingface") == [
        Sample("1.jpg", "image", ("A man.", "B.")),
        Sample("2.jpg", "image", ()),
    ]
    columns = {"__key__": ["caption_train2017/000000000009"], "txt": [TAGGED]}
    parquet.write_table(arrow.table(columns), file)
    assert read(file, "coconut_pancap") == [Sample("000000000009", "image", (UNTAGGED,))]


def test_of_a_folder_the_files_of_one_format_are_read(tmp_path: Path) -> None:
    """An export's sidecars hold the same captions again."""
    pix2cap(tmp_path / "train.json")
    pix2cap(tmp_path / "val.json")
    lines(tmp_path / "sidecar.jsonl", {"text": "A man."})
    dataset = opened(tmp_path)
    assert dataset.kind == "pix2cap"
    assert len(list(dataset.samples())) == 6
    assert dataset.notes.read == [tmp_path / "train.json", tmp_path / "val.json"]
    assert dataset.notes.lines() == ["not read: sidecar.jsonl"]


def test_a_format_may_be_named(tmp_path: Path) -> None:
    file = lines(tmp_path / "a.txt", {"caption": "A man.", "text": "B."})
    assert read(file, "jsonl", text="text") == [Sample("entry 0", "image", ("B.",))]
    pix2cap(tmp_path / "train.json")
    assert len(read(tmp_path, "pix2cap", kind="pix2cap")) == 3


@pytest.mark.parametrize(
    ("content", "how", "sentence"),
    [
        ([{"groundings": {}, "caption": 5}], {}, "entry[0]: its 'caption' is 5; a caption is a te"),
        ([{"groundings": {}, "caption": {}}], {}, "its 'caption' is an object; a caption is a"),
        ([{"groundings": []}], {}, "entry[0] has no object 'groundings'"),
        ([{"groundings": {}}, 7], {}, "[1] is no object: '7' was found"),
        ([{"gt_response": ["a", 1]}], {}, "its 'gt_response' is a list; a caption is a text"),
        ([{"conversations": "hello"}], {}, "entry 0 has no list 'conversations'"),
        ([{"a": 1, "b": 2}], {}, "is of no known format: "),
        ([{"caption": "a", "text": "b"}], {}, "is of no known format: "),
        ([{"caption": "a"}], {"text": "said"}, "entry[0] has no 'said'; it has 'caption'"),
        ([], {}, "is empty: it has no entry"),
        ({"a": 1}, {}, "is of no known format: "),
        (panoptic([]) | {"annotations": []}, {"kind": "llava"}, "holds an object; LLaVA's files"),
        ([{"caption": "a"}], {"kind": "pix2cap"}, "holds an array; a Pix2Cap-COCO file is an"),
        ([{"caption": "a"}], {"kind": "lava"}, "'lava' is not known. Did you mean 'llava'?"),
        ([{"caption": "a"}], {"kind": "run"}, "is no run: a run's folder has a recipe.yaml"),
        ([{"caption": "a"}], {"kind": "coconut_pancap"}, "is no tar, no folder and no parquet"),
        ([{"caption": "a"}], {"panoptic": (Path("no.json"),)}, "--panoptic no.json does not exist"),
        (
            panoptic([{"image_id": 1, "segments_info": [{"id": 1, "category_id": 1}]}]),
            {},
            "is a panoptic file without captions",
        ),
        (
            panoptic([{"image_id": 1, "segments_info": [segment(1, 1, 5)]}]),
            {},
            "annotations[0], segments_info[0]: its 'description' is 5; a caption is a text",
        ),
    ],
)
def test_a_malformed_dataset_is_a_sentence(
    tmp_path: Path, content: Any, how: dict[str, Any], sentence: str
) -> None:
    file = write_json(tmp_path / "a.json", content)
    with pytest.raises(InputError) as caught:
        list(opened(file, **how).samples())
    assert sentence in str(caught.value)


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    file = lines(tmp_path / "a.jsonl", {"caption": "a"}, {"caption": "b"})
    file.write_text(file.read_text() + "{\n")
    with pytest.raises(InputError, match=r"a\.jsonl:3: not valid JSON"):
        list(opened(file).samples())


def test_a_file_of_something_else_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("A man sits.")
    with pytest.raises(
        InputError, match=r"a\.txt is no JSON: 'A man sits\.' was found; captions are"
    ):
        opened(file)
    file.write_text("")
    with pytest.raises(InputError, match=r"a\.txt is empty"):
        opened(file)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ([], "is no dataset that is known here; it has nothing in it"),
        (["a.png", "b.png"], "is no dataset that is known here; it has a.png, b.png. Give a run's"),
    ],
)
def test_a_folder_of_something_else_is_a_sentence(
    tmp_path: Path, names: list[str], sentence: str
) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(InputError) as caught:
        opened(tmp_path)
    assert sentence in str(caught.value)
    with pytest.raises(InputError, match="there is no nothing, and no run runs/nothing"):
        open_dataset("nothing", Reading())
    tar = tar_of(tmp_path / "a.tar", {"9.jpg": b"..."})
    with pytest.raises(InputError, match="is a tar without a text file"):
        opened(tar)


def test_every_kind_has_a_reader(tmp_path: Path) -> None:
    """A kind that is listed is opened, and says that it has no such file."""
    empty = tmp_path / "empty"
    empty.mkdir()
    for kind in KINDS:
        if kind in ("coconut_pancap", "text_to_image"):
            assert list(opened(empty, kind=kind).samples()) == []
            continue
        with pytest.raises(InputError, match=r"has no file of the format|is no run"):
            opened(empty, kind=kind)
