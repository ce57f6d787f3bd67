"""The provider of Qwen's models on this machine: requests in, replies out, and whose they are."""

from __future__ import annotations

import importlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from annoengine import registry
from annoengine.errors import RecipeError, SettingError
from annoengine.fingerprint import sha256_hex
from annoengine.image_tokens import image_tokens
from annoengine.local.chat import TooLarge
from annoengine.provider import ImagePart, Message, Reply, Request, Sampling, TextPart
from annoengine.providers.qwen2_vl import Qwen2Vl
from annoengine.record import DrawnImage, Photo
from tests.tiny_qwen import PICTURES, save_tiny_qwen

SMALL = {"slots": 4, "workers": 0, "threads": 1, "memory_gib": 0.25}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_qwen(tmp_path_factory.mktemp("qwen2_vl") / "Tiny-Qwen")


def asked(text: str = "Describe it.", **sampling: Any) -> Request:
    picture = PICTURES[0]
    data = picture.read_bytes()
    photo = Photo(file=picture.name, sha256=sha256_hex(data), width=512, height=512)

    async def load(image: DrawnImage | Photo) -> bytes:
        return data

    parts = (ImagePart(image=photo), TextPart(text=text))
    message = Message(role="user", parts=parts)
    return Request("annotator", (message,), Sampling(max_tokens=6, **sampling), load=load)


async def opened(folder: Path, **options: Any) -> Qwen2Vl:
    provider = Qwen2Vl(str(folder), {**SMALL, **options})
    await provider.open()
    return provider


async def test_a_reply_says_who_said_what_and_why_it_ended(folder: Path) -> None:
    provider = await opened(folder)
    reply = await provider.reply(asked())
    assert reply.usage.output_tokens == 6
    # 36 of them are the picture's, 6 × 6 squares of 28 pixels.
    assert 36 < (reply.usage.input_tokens or 0) < 90
    assert (reply.outcome, reply.detail) == ("truncated", "length")
    model, _, found = reply.model.partition("@")
    assert (model, found) == ("qwen2_vl/Tiny-Qwen", provider.key_extra(asked())["model"][:12])
    assert provider._reply(_answer(" \n", "end")).outcome == "empty"
    assert provider._reply(_answer("A cup.", "end")).outcome == "answer"
    assert provider.window == 8
    await provider.reply(replace(asked(), schema={"type": "object"}))
    assert [note.partition(": ")[2][:29] for note in provider.notes()] == [
        "the prompt alone asks for it",
        "among 12 tokens the likeliest",
    ]
    await provider.close()
    assert len(provider.notes()) == 2
    await provider.close()
    with pytest.raises(RuntimeError, match="was not opened"):
        await provider.reply(asked())


def _answer(text: str, finish: Any) -> Any:
    chat = importlib.import_module("annoengine.local.chat")
    return chat.Answer(text, (7,), finish, 40, 2)


async def test_the_key_holds_what_may_change_an_answer_and_no_path(
    folder: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(folder, moved)

    def key(path: Path | str, request: Request | None = None, **options: Any) -> str:
        provider = Qwen2Vl(str(path), options)
        request = request or asked()
        return provider.find_key(request, request.content())

    one = key(folder)
    assert key(moved) == one
    assert key(folder, slots=2, memory_gib=3, devices=["cpu"], cuda_graphs="off") == one
    settings: list[dict[str, Any]] = [
        {"dtype": "bfloat16"},
        {"attention": "flash_attention_2"},
        {"min_pixels": 100},
        {"max_pixels": 5000},
        {"max_tokens": 77},
        {"adapter": str(moved)},
    ]
    others = [key(folder, **given) for given in settings]
    others += [key(folder, asked("Else.")), key(folder, asked(temperature=0.5)), key("/not/here")]
    assert len({one, *others}) == 10


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
async def test_an_adapter_changes_key_and_answer(folder: Path, tmp_path: Path) -> None:
    peft: Any = importlib.import_module("peft")
    transformers: Any = importlib.import_module("transformers")
    torch: Any = importlib.import_module("torch")
    model = transformers.AutoModelForImageTextToText.from_pretrained(folder)
    settings = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        adapted = peft.get_peft_model(model, settings)
    adapted.save_pretrained(tmp_path / "adapter")
    plain, changed = await opened(folder), await opened(folder, adapter=str(tmp_path / "adapter"))
    assert plain.find_key(asked(), asked().content()) != changed.find_key(
        asked(), asked().content()
    )
    said, otherwise = await plain.reply(asked()), await changed.reply(asked())
    assert said.text != otherwise.text
    engine = changed.engine
    assert engine is not None
    # Merged: no layer is left that would cost anything a token.
    assert not any("lora" in name for name, _ in engine._workers[0].model.model.named_parameters())
    await plain.close()
    await changed.close()


async def test_chance_is_the_requests(folder: Path) -> None:
    provider = await opened(folder)

    async def text(**sampling: Any) -> str:
        reply: Reply = await provider.reply(asked(**sampling))
        return reply.text

    assert await text(temperature=1.5, seed=3) == await text(temperature=1.5, seed=3)
    hot = {await text(temperature=1.5, seed=seed) for seed in range(3)}
    assert len(hot | {await text()}) == 4
    await provider.close()


def test_errors_are_classified() -> None:
    provider = Qwen2Vl("/some/model", {})
    assert provider.classify(TooLarge("9 tokens")).action == "never"
    assert provider.classify(ValueError("2 marks")).reason == "qwen2_vl//some/model: 2 marks"
    broken = provider.classify(RuntimeError("CUDA error: an illegal memory access"))
    assert broken.action == "fatal"
    assert broken.reason == "RuntimeError: CUDA error: an illegal memory access"


async def test_what_is_wrong_is_told_before_anything_is_loaded() -> None:
    with pytest.raises(RecipeError, match="for example qwen2_vl/Qwen/Qwen2-VL-7B-Instruct"):
        Qwen2Vl(" ", {})
    with pytest.raises(RecipeError, match=r"has no option 'quant'"):
        Qwen2Vl("x", {"quant": 4})
    with pytest.raises(SettingError, match="there is no folder '/no/model'; give that of a model"):
        await Qwen2Vl("/no/model", {"devices": ["cpu"]}).open()
    assert registry.find("provider", "qwen2_vl") is Qwen2Vl
    (requirement,) = Qwen2Vl("x", {}).requirements()
    assert (requirement.what, requirement.met) == ("the extra 'local'", True)
    assert Qwen2Vl("x", {"devices": ["cuda:0", "cuda:1"], "slots": 16}).window == 64


@pytest.mark.parametrize(
    ("model", "likely"),
    [
        # 644 × 476 in squares of 28, 640 × 480 in squares of 32, and two tokens around them.
        ("qwen2_vl/Qwen/Qwen2-VL-7B-Instruct", 23 * 17 + 2),
        ("qwen2_vl//data/models/anything", 23 * 17 + 2),
        ("qwen2_vl/Qwen/Qwen3-VL-8B-Instruct", 20 * 15 + 2),
    ],
)
def test_plans_count_its_pictures(model: str, likely: int) -> None:
    assert image_tokens(model, (640, 480)).likely == likely
