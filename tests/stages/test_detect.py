"""``detect``: tags, detectors, joining; in runs with scripted and with real providers."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest
import yaml

from annoengine.detecting.detections import Detection, names_of, write
from annoengine.errors import RecipeError
from annoengine.photo import read_photo
from annoengine.provider import ImagePart, Message, Reply, Request, Retry, TextPart
from annoengine.providers.detector import Detector
from annoengine.recipe import Recipe, load_recipe
from annoengine.record import Photo, Record
from annoengine.runner import finished_records
from annoengine.shard import read_set_aside
from annoengine.workspace import Workspace
from tests.engine.carrying import account_of, carry, result_bytes

EXAMPLES = Path(__file__).parents[2] / "examples/photographs"


class Scripted:
    """A tagger that names each crop by its turn, and a detector that finds by a script."""

    VERSION: ClassVar[int] = 1
    BATCH: ClassVar[bool] = False
    FREE: ClassVar[bool] = True
    window = 4
    asked: ClassVar[list[tuple[str, str, str]]] = []
    """Model, turn, text."""
    names: ClassVar[dict[str, str]] = {}
    found: ClassVar[dict[str, list[Detection]]] = {}

    def __init__(self, model: str, options: Mapping[str, Any]) -> None:
        self.model = model
        self.name = f"tests.stages.test_detect:Scripted/{model}"

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def reply(self, request: Request) -> Reply:
        (text,) = [p.text for m in request.messages for p in m.parts if isinstance(p, TextPart)]
        assert request.place is not None
        self.asked.append((self.model, request.place[1], text))
        await request.image_bytes(request.images()[0])
        if self.model == "tagger":
            answer = self.names.get(request.place[1], "unknown")
        else:
            names_of(text)
            answer = write(self.found.get(self.model, []), (10_000, 10_000))
        return Reply(text=answer, outcome="answer", model=self.name)

    def classify(self, error: Exception) -> Retry:
        return Retry("never", str(error))

    def key_extra(self, request: Request) -> Mapping[str, str]:
        return {}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Scripted.asked.clear()
    Scripted.names, Scripted.found = {}, {}


def recipe_of(folder: Path, source: dict[str, Any], **settings: Any) -> Recipe:
    folder.mkdir(exist_ok=True)
    scripted = "tests.stages.test_detect:Scripted"
    data = {
        "name": "detected",
        "seed": 3,
        "inputs": {"images": str(EXAMPLES / "images")},
        "source": source,
        "models": {
            "tagger": settings.pop("tagger", f"{scripted}/tagger"),
            "grounding": f"{scripted}/grounding",
            "owl": f"{scripted}/owl",
        },
        "stages": [{"detect": settings}],
        "run": {"shard_size": 4, "workers": 0},
    }
    if "coco_panoptic" in source:
        data["inputs"] |= {  # type: ignore[operator]
            "annotations": str(EXAMPLES / "panoptic.json"),
            "panoptic": str(EXAMPLES / "panoptic"),
        }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return load_recipe(path)


ANNOTATED: dict[str, Any] = {"coco_panoptic": {}}
FOUND: dict[str, Any] = {"images": {"sample": {"n": 1}, "max_regions": 4}}


def ran(recipe: Recipe, folder: Path) -> list[Record]:
    workspace = Workspace(folder / "run")
    carry(recipe, workspace)
    account_of(recipe, workspace)
    return [record for _, record in finished_records(recipe, workspace)]


def scores(record: Record) -> dict[str, float]:
    return {s.name.removeprefix("detect."): s.value for s in record.scores if "detect." in s.name}


def test_annotations_are_tags_and_what_is_missing_joins(tmp_path: Path) -> None:
    Scripted.found = {
        "grounding": [
            Detection("badge", (10.0, 10.0, 20.0, 20.0), 0.9),
            Detection("doubtful", (30.0, 30.0, 40.0, 40.0), 0.29),
        ],
        "owl": [
            Detection("patch", (11.0, 10.0, 20.0, 20.0), 0.99),
            Detection("corner", (0.0, 0.0, 4.0, 4.0), 0.5),
        ],
    }
    recipe = recipe_of(tmp_path, ANNOTATED, detectors=["grounding", "owl"])
    records = ran(recipe, tmp_path)
    record = next(r for r in records if "astronaut" in r.photo.file)
    before = {s.id: s for s in record.segments if s.source != "" and "Scripted" not in s.source}
    new = [s for s in record.segments if s.id not in before]
    assert [(s.category.name, s.box_xyxy, s.score) for s in new] == [
        ("badge", (10.0, 10.0, 20.0, 20.0), 0.9),
        ("corner", (0.0, 0.0, 4.0, 4.0), 0.5),
    ]
    assert [s.id for s in new] == [max(before) + 1, max(before) + 2]
    assert new[0].source.endswith("Scripted/grounding")
    assert new[0].mask is None
    assert scores(record) == {"entities": len(before) + 2, "added": 2, "untagged": 0}
    # Nobody is asked for a name, and each detector once for all tags of the image.
    texts = {text for model, turn, text in Scripted.asked if turn == "detect owl"}
    assert len(Scripted.asked) == 2 * len(records)
    assert any("person" in names_of(text) for text in texts)


def test_regions_are_named_and_a_rerun_asks_nobody(tmp_path: Path) -> None:
    Scripted.names = {"name 1": "A Wooden Table.", "name 2": "I'm sorry.", "name 3": "cup"}
    recipe = recipe_of(tmp_path, FOUND, tags="model", detectors=["owl"])
    (record,) = ran(recipe, tmp_path)
    names = [s.category.name for s in record.segments]
    assert names[:3] == ["wooden table", "region", "cup"]
    asked = [(turn, text) for _, turn, text in Scripted.asked]
    assert ("detect owl", '["wooden table","cup"]') in asked
    assert scores(record)["untagged"] == names.count("region")
    calls, before = len(Scripted.asked), result_bytes(recipe, Workspace(tmp_path / "run"))
    for path in (tmp_path / "run" / "01-detect").glob("*.done.json"):
        path.unlink()
    ran(recipe, tmp_path)
    assert len(Scripted.asked) == calls
    assert result_bytes(recipe, Workspace(tmp_path / "run")) == before
    # A lower threshold is a new stage over old answers.
    other = recipe_of(tmp_path, FOUND, tags="model", detectors=["owl"], least_score=0.1)
    ran(other, tmp_path)
    assert len(Scripted.asked) == calls


def test_proposals_forget_what_annotations_called_them(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, ANNOTATED, tags="model", regions="proposals")
    record = next(r for r in ran(recipe, tmp_path) if "chelsea" in r.photo.file)
    assert {s.category.name for s in record.segments} == {"region"}
    assert len({turn for _, turn, _ in Scripted.asked if turn.startswith("name ")}) > 1


def test_pixels_name_regions_by_their_colour(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, FOUND, tags="model", tagger="pixels")
    (record,) = ran(recipe, tmp_path)
    names = {s.category.name for s in record.segments}
    assert all(name.endswith("region") for name in names)
    assert any(name != "region" for name in names)


def test_an_image_with_too_many_entities_leaves(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, ANNOTATED, max_entities=2)
    records = ran(recipe, tmp_path)
    assert all(len(r.segments) <= 2 for r in records)
    aside = list(
        read_set_aside(Workspace(tmp_path / "run").storage, "01-detect", "00000", "dropped")
    )
    assert {a.reason for a in aside} == {"too many entities"}
    assert aside[0].detail.endswith("and at most 2 are kept")


def test_settings_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"names: .*gone\.txt cannot be read"):
        recipe_of(tmp_path, FOUND, tags="vectors", names=str(tmp_path / "gone.txt"))
    with pytest.raises(RecipeError, match=r"text needs a \{\} for the name"):
        recipe_of(tmp_path, FOUND, tags="vectors", text="a photo")


# Real classes with random weights, by the path that every model takes. What they find means
# nothing; that it is found in the right frame and by the right name is shown on their outputs.


def save_tiny_grounding(folder: Path) -> Path:
    torch: Any = importlib.import_module("torch")
    t: Any = importlib.import_module("transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", "cat", "dog", "red", "car"]
    text = t.BertConfig(
        vocab_size=2048,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
    )
    backbone = t.SwinConfig(
        embed_dim=16,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        image_size=64,
        out_features=["stage2", "stage3", "stage4"],
    )
    config = t.GroundingDinoConfig(
        backbone_config=backbone,
        text_config=text,
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        num_queries=12,
        max_text_len=12,
    )
    with torch.random.fork_rng():
        torch.manual_seed(1)
        t.GroundingDinoForObjectDetection(config).save_pretrained(folder)
    t.BertTokenizer(vocab={word: n for n, word in enumerate(words)}).save_pretrained(folder)
    prepares = {
        "image_processor_type": "GroundingDinoImageProcessor",
        "do_resize": True,
        "size": {"shortest_edge": 48, "longest_edge": 80},
        "do_rescale": True,
        "do_normalize": True,
        "do_pad": True,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(prepares), encoding="utf-8")
    return folder


def save_tiny_owl(folder: Path) -> Path:
    from tests.tiny_clip import save_tiny_clip

    torch: Any = importlib.import_module("torch")
    t: Any = importlib.import_module("transformers")
    tokenizer = t.AutoTokenizer.from_pretrained(save_tiny_clip(folder))
    small = {
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    config = t.Owlv2Config(
        text_config={
            **small,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 16,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": 0,
        },
        vision_config={**small, "image_size": 64, "patch_size": 16},
        projection_dim=32,
    )
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = t.Owlv2ForObjectDetection(config)
        # Weights at random saturate its boxes; so each stays at its own patch of the picture.
        torch.nn.init.zeros_(model.box_head.dense2.weight)
        model.save_pretrained(folder)
    prepares = {
        "image_processor_type": "Owlv2ImageProcessor",
        "do_pad": True,
        "do_resize": True,
        "size": {"height": 64, "width": 64},
        "do_rescale": True,
        "do_normalize": True,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(prepares), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {
        "grounding": save_tiny_grounding(tmp_path_factory.mktemp("grounding")),
        "owl": save_tiny_owl(tmp_path_factory.mktemp("owl")),
    }


async def asked(detector: Detector, names: list[str]) -> list[dict[str, Any]]:
    path = EXAMPLES / "images/coffee.jpg"
    data = path.read_bytes()
    height, width = read_photo(path).shape[:2]
    from annoengine.fingerprint import sha256_hex

    photo = Photo(file=path.name, width=width, height=height, sha256=sha256_hex(data))

    async def load(_: Any) -> bytes:
        return data

    parts = (TextPart(text=orjson.dumps(names).decode()), ImagePart(image=photo))
    request = Request("detector", (Message(role="user", parts=parts),), load=load)
    reply = await detector.reply(request)
    rows: list[dict[str, Any]] = orjson.loads(reply.text)["detections"]
    for row in rows:
        x1, y1, x2, y2 = row["box"]
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
    return rows


@pytest.mark.parametrize("kind", ["grounding", "owl"])
async def test_real_detectors_answer_by_the_names_given(models: dict[str, Path], kind: str) -> None:
    names = ["cat", "red dog", "car"]
    detector = Detector(str(models[kind]), {"device": "cpu", "least_score": 0.0})
    await detector.open()
    rows = await asked(detector, names)
    assert rows
    assert {row["name"] for row in rows} <= set(names)
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
    assert rows == await asked(detector, names)
    best = rows[0]["score"]
    key = detector.key_extra(Request("detector", ()))
    await detector.close()
    sure = Detector(str(models[kind]), {"device": "cpu", "least_score": best - 1e-4})
    await sure.open()
    assert await asked(sure, names) == [r for r in rows if r["score"] >= best - 1e-4]
    assert sure.key_extra(Request("detector", ()))["weights"] == key["weights"]
    assert sure.key_extra(Request("detector", ())) != key
    await sure.close()


async def test_long_lists_are_asked_in_passes(models: dict[str, Path]) -> None:
    """Twelve tokens a text, of which two stand around it and each name has one more behind it."""
    detector = Detector(str(models["grounding"]), {"device": "cpu", "least_score": 0.0})
    await detector.open()
    names = ["cat", "red dog", "car", "dog", "red car", "red cat"]
    assert list(detector._by_tokens(names)) == [["cat", "red dog", "car", "dog"], names[4:]]
    alone = await asked(detector, names[4:])
    rows = await asked(detector, names)
    assert all(row in rows for row in alone)
    await detector.close()


def test_the_frame_of_each_kind(models: dict[str, Path]) -> None:
    """Half of the frame: of the photograph for Grounding DINO, of the padded square for OWLv2."""
    import numpy as np

    detector = Detector("x", {"least_score": 0.5})
    box = np.array([[0.5, 0.5, 0.5, 0.5]])
    scores = np.array([[0.2, 0.7]])
    (found,) = detector._above(scores, box, ["a", "b"], (600, 400))
    assert (found.name, found.box_xyxy, found.score) == ("b", (150.0, 100.0, 450.0, 300.0), 0.7)
    (found,) = detector._above(scores, box, ["a", "b"], (600, 600))
    assert found.box_xyxy == (150.0, 150.0, 450.0, 450.0)
    assert detector._above(scores - 0.3, box, ["a", "b"], (600, 400)) == []


async def test_a_model_of_another_kind_is_refused(models: dict[str, Path], tmp_path: Path) -> None:
    from annoengine.errors import SettingError

    with pytest.raises(SettingError, match=r"cannot be loaded: .* give the folder of a Grounding"):
        await Detector(str(tmp_path), {}).open()
    with pytest.raises(RecipeError, match=r"no option 'least_scor'\. Did you mean 'least_score'"):
        Detector("x", {"least_scor": 1})


def test_the_nearest_name_of_a_list_is_the_tag(tmp_path: Path) -> None:
    """A CLIP with random weights: what it says is nonsense, but always its own nearest name."""
    from tests.tiny_clip import save_tiny_clip

    clip = save_tiny_clip(tmp_path / "clip")
    names = tmp_path / "names.txt"
    names.write_text("a tall ship\n\nfour small dogs on grass\nsky\nsky\n", encoding="utf-8")
    settings = {
        "tags": "vectors",
        "names": str(names),
        "least_tag": -1,
        "tagger": f"sentence_transformers/{clip}",
    }
    (record,) = ran(recipe_of(tmp_path / "a", FOUND, **settings), tmp_path / "a")
    tags = {s.category.name for s in record.segments}
    assert tags <= {"a tall ship", "four small dogs on grass", "sky"}
    (strict,) = ran(
        recipe_of(tmp_path / "b", FOUND, **{**settings, "least_tag": 1.0}), tmp_path / "b"
    )
    assert {s.category.name for s in strict.segments} == {"region"}
    assert scores(strict)["untagged"] == len(strict.segments)
