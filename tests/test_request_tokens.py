"""Tokens of requests: texts against real tokenizers' counts, bounds, and what can be cached."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.image_tokens import image_tokens
from annoengine.provider import ImagePart, Message, Request, Sampling, TextPart
from annoengine.record import DrawnImage, Photo
from annoengine.request_tokens import (
    TokenBounds,
    cached_tokens,
    most_output_of,
    request_tokens,
    shared_prefix,
    text_tokens,
)

CAPTION = (
    "A woman in a long green coat walks a small brown dog along the wet pavement. The dog looks "
    "up at her and pulls on its red lead. Behind them, a yellow taxi waits in front of a brick "
    "building with tall windows, and the sky above the roofs is grey and overcast."
)
PROMPT = (
    "You see a photograph in which regions are outlined and numbered. Describe each numbered "
    "region in one sentence: its category, its colour, what it is made of, and where it is. Then "
    "say what goes on between the regions. Do not mention the outlines or the numbers themselves."
)
MARKS = (
    "1: person\n2: person\n3: dining table\n4: chair\n5: potted plant\n6: wine glass\n7: bottle\n"
    "8: floor-wood\n9: wall-brick\n10: window-blind\n11: light\n12: ceiling-merged\n"
)
ANSWER = (
    '{"regions": [{"mark": 1, "caption": "A woman in a long green coat."}, {"mark": 2, '
    '"caption": "A small brown dog on a red lead."}, {"mark": 3, "caption": "A yellow taxi that '
    'waits in front of a brick building."}]}'
)
GERMAN = (
    "Eine Frau in einem langen grünen Mantel führt einen kleinen braunen Hund über den nassen "
    "Gehweg. Der Hund schaut zu ihr auf und zieht an seiner roten Leine."
)
RUSSIAN = (
    "Женщина в длинном зелёном пальто ведёт маленькую коричневую собаку по мокрому тротуару. "
    "Собака смотрит на неё и тянет красный поводок."
)
CHINESE = (
    "一位穿着绿色长外套的女士牵着一只棕色小狗走在湿漉漉的人行道上。"
    "小狗抬头看着她，拉扯着红色的牵引绳。"
)
JAPANESE = (
    "緑色の長いコートを着た女性が、濡れた歩道を小さな茶色の犬と歩いています。"
    "犬は彼女を見上げ、赤いリードを引っ張っています。"
)
KOREAN = (
    "긴 초록색 코트를 입은 여자가 작은 갈색 개를 데리고 젖은 보도를 걷고 있다. "
    "개는 그녀를 올려다보며 빨간 목줄을 당긴다."
)
ARABIC = (
    "امرأة ترتدي معطفًا أخضر طويلًا تمشي مع كلب بني صغير على الرصيف المبلل. "
    "ينظر الكلب إليها ويسحب مقوده الأحمر."
)
HINDI = (
    "एक महिला लंबे हरे कोट में एक छोटे भूरे कुत्ते को गीले फुटपाथ पर घुमा रही है। "
    "कुत्ता उसकी ओर देखता है और लाल पट्टा खींचता है।"
)
NUKTA = "क़ख़ग़ज़ड़ढ़फ़य़"

COUNTS: dict[str, tuple[str, int, int, int, int]] = {
    # What o200k, cl100k, Qwen2.5's and Gemini's tokenizers make of each text.
    "caption": (CAPTION, 59, 59, 59, 58),
    "prompt": (PROMPT, 56, 56, 56, 56),
    "marks": (MARKS, 60, 59, 62, 62),
    "answer": (ANSWER, 66, 66, 66, 67),
    "german": (GERMAN, 36, 43, 43, 34),
    "russian": (RUSSIAN, 44, 69, 57, 38),
    "chinese": (CHINESE, 54, 73, 34, 36),
    "japanese": (JAPANESE, 52, 70, 43, 34),
    "korean": (KOREAN, 45, 65, 55, 49),
    "arabic": (ARABIC, 37, 81, 46, 39),
    "hindi": (HINDI, 48, 125, 116, 53),
    "nukta": (NUKTA, 12, 31, 24, 12),
}


@pytest.mark.parametrize("name", ["caption", "prompt", "marks", "answer"])
def test_english_is_met_within_12_percent(name: str) -> None:
    text, o200k, _, qwen, gemini = COUNTS[name]
    likely = text_tokens(text)[0]
    for real in (o200k, qwen, gemini):
        assert abs(likely - real) <= 0.12 * real


@pytest.mark.parametrize(
    "name", ["german", "russian", "chinese", "japanese", "korean", "arabic", "hindi"]
)
def test_other_scripts_are_met_within_45_percent(name: str) -> None:
    text, o200k, _, _, gemini = COUNTS[name]
    likely = text_tokens(text)[0]
    for real in (o200k, gemini):
        assert abs(likely - real) <= 0.45 * real


@pytest.mark.parametrize("name", COUNTS)
def test_no_tokenizer_makes_more_tokens_than_the_bound(name: str) -> None:
    text, *real = COUNTS[name]
    assert max(real) <= text_tokens(text)[1]


def test_the_bound_is_the_bytes() -> None:
    assert text_tokens("") == (0, 0)
    assert text_tokens(CAPTION)[1] == len(CAPTION)
    assert text_tokens(JAPANESE)[1] == 3 * len(JAPANESE)
    assert text_tokens("\ud800")[1] == 3  # half a character, as damaged JSON has it


def test_letters_that_composing_lengthens_count_as_composed() -> None:
    # Each is one character of three bytes that NFC writes as two.
    written = "\u0958\u0959\u095a"
    assert len(written.encode()) == 9
    assert text_tokens(written)[1] == len(unicodedata.normalize("NFC", written).encode()) == 18


@given(st.text())
def test_likely_tokens_stay_within_the_bound(text: str) -> None:
    likely, most = text_tokens(text)
    assert likely <= most
    assert most >= len(text.encode("utf-8", "surrogatepass"))
    assert (likely == 0) == (text == "")


@given(st.text(max_size=40), st.text(max_size=40))
def test_two_texts_have_the_tokens_of_both(one: str, other: str) -> None:
    together = text_tokens(one + other)[0]
    assert together <= text_tokens(one)[0] + text_tokens(other)[0] <= together + 1


def drawn(width: int = 640, height: int = 427, sha256: str = "aa") -> ImagePart:
    image = DrawnImage(
        file="a.jpg", sha256=sha256, width=width, height=height, size_bytes=9, encoder="jpeg"
    )
    return ImagePart(image=image)


def asked(*parts: TextPart | ImagePart, system: str = "", **sampling: Any) -> Request:
    messages = [Message(role="user", parts=parts)]
    if system:
        messages.insert(0, Message(role="system", parts=(TextPart(text=system),)))
    return Request("annotator", tuple(messages), Sampling(**sampling))


def test_a_request_is_the_sum_of_its_parts() -> None:
    request = asked(TextPart(text=PROMPT), drawn(), TextPart(text=MARKS), max_tokens=2000)
    prompt, marks = text_tokens(PROMPT), text_tokens(MARKS)
    # 425: two tiles of gpt-4o. 3 + 4 and 128 + 12 are the frames of the request and its message.
    assert request_tokens("openai/gpt-4o", request) == TokenBounds(
        likely_input=3 + 4 + prompt[0] + 425 + marks[0],
        most_input=128 + 12 + prompt[1] + 425 + marks[1],
        most_output=2000,
        model_output=16_384,
        likely_prefix=3 + 4 + prompt[0],
    )


def test_pictures_count_by_model_and_detail() -> None:
    photo = ImagePart(image=Photo(file="a.jpg", width=1024, height=1024, sha256="bb"))
    for model in ("openai/gpt-4o-mini", "gemini/gemini-2.5-flash", "vllm/qwen2-vl", "pixels"):
        nothing = request_tokens(model, asked(TextPart(text="x")))
        two = request_tokens(model, asked(TextPart(text="x"), photo, photo))
        tokens = image_tokens(model, (1024, 1024))
        assert two.likely_input - nothing.likely_input == 2 * tokens.likely
        assert two.most_input - nothing.most_input == 2 * tokens.most
    low = request_tokens("openai/gpt-4o", asked(photo, detail="low"))
    assert low.likely_input == 3 + 4 + 85


def test_without_a_limit_the_answer_is_bounded_by_the_model() -> None:
    bounds = request_tokens("openai/gpt-4.1", asked(TextPart(text="x")))
    assert bounds.most_output is None
    assert bounds.model_output == 32_768


@pytest.mark.parametrize(
    ("model", "most"),
    [
        ("openai/gpt-4o-2024-05-13", 4096),
        ("openai/gpt-4o", 16_384),
        ("openai/o4-mini", 100_000),
        ("openai/gpt-5-mini", 128_000),
        ("gemini/gemini-2.0-flash", 8192),
        ("gemini/gemini-3.5-flash", 65_536),
        ("openai/llava", 131_072),
        ("pixels", 0),
    ],
)
def test_the_most_that_a_model_writes(model: str, most: int) -> None:
    assert most_output_of(model) == most


def test_the_answer_schema_counts_as_text() -> None:
    schema = {"type": "object", "properties": {"caption": {"type": "string"}}}
    plain = asked(TextPart(text="x"))
    with_schema = Request("annotator", plain.messages, schema=schema)
    bare, bounds = (request_tokens("openai/gpt-4o", r) for r in (plain, with_schema))
    written = json.dumps(schema)
    assert bounds.likely_input - bare.likely_input == text_tokens(written)[0]
    assert bounds.most_input - bare.most_input == 2 * len(written)
    assert request_tokens("openai/gpt-4o", with_schema) == bounds


def test_many_schemas_are_not_mixed_up() -> None:
    message = asked(TextPart(text="x")).messages
    schemas = [{"enum": ["a" * length]} for length in range(300)]
    counted = [
        request_tokens("m/x", Request("annotator", message, schema=schema)).most_input
        for schema in schemas
    ]
    assert counted == [counted[0] + 2 * length for length in range(300)]


@given(st.lists(st.text(max_size=30), max_size=4), st.integers(1, 3000), st.integers(1, 3000))
def test_the_likely_never_passes_the_bound(texts: list[str], width: int, height: int) -> None:
    words = [TextPart(text=text) for text in texts]
    request = asked(*words, drawn(width, height), system="Describe.")
    bounds = request_tokens("gemini/gemini-2.5-flash", request)
    assert bounds.likely_prefix <= bounds.likely_input <= bounds.most_input


def test_equal_beginnings_are_found_across_parts_and_messages() -> None:
    model = "openai/gpt-4o"
    system = PROMPT * 20
    one = asked(TextPart(text="Marks: 1: dog"), drawn(sha256="aa"), system=system)
    other = asked(TextPart(text="Marks: 2: cat"), drawn(sha256="bb"), system=system)
    begins = 4 + text_tokens(system)[0] + 4
    assert shared_prefix(model, one, other) == begins + text_tokens("Marks: ")[0]
    whole = begins + text_tokens("Marks: 1: dog")[0] + 425
    assert shared_prefix(model, one, one) == whole


def test_other_schemas_and_details_share_nothing() -> None:
    one = asked(TextPart(text=PROMPT))
    assert shared_prefix("openai/gpt-4o", one, asked(TextPart(text=PROMPT), detail="low")) == 0
    other = Request("annotator", one.messages, schema={"type": "object"})
    assert shared_prefix("openai/gpt-4o", one, other) == 0
    assert shared_prefix("openai/gpt-4o", other, other) == 4 + sum(
        text_tokens(text)[0] for text in (PROMPT, '{"type": "object"}')
    )


@pytest.mark.parametrize(
    ("model", "prefix", "cached"),
    [
        # OpenAI: from 1,024, in steps of 128.
        ("openai/gpt-4o", 1023, 0),
        ("openai/gpt-4o", 1024, 1024),
        ("openai/gpt-4.1-mini", 1279, 1152),
        ("openai/gpt-4o-2024-05-13", 5000, 0),  # older than the cache
        ("openai/gpt-4-turbo", 5000, 0),
        ("openai/o3", 1300, 1280),
        # Gemini: 2,048 for 2.5, 4,096 for 3.
        ("gemini/gemini-2.5-flash", 2047, 0),
        ("gemini/gemini-2.5-flash", 2050, 2050),
        ("gemini/gemini-3.5-flash", 4000, 0),
        ("openai/llava", 9000, 0),
    ],
)
def test_what_a_providers_cache_may_hold(model: str, prefix: int, cached: int) -> None:
    assert cached_tokens(model, prefix) == cached
