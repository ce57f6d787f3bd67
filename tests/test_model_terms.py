"""Terms by model name, and what the licences of photographs allow."""

from __future__ import annotations

import re

import pytest

from annoengine import model_terms
from annoengine.model_terms import (
    GEMINI,
    GEMMA,
    GEMMA_4,
    GPT_OSS,
    LLAMA_2_3,
    LLAMA_3_1,
    LLAMA_3_2_VISION,
    OPENAI,
    OWN,
    QWEN2_72B,
    QWEN_72B,
    QWEN_APACHE,
    QWEN_RESEARCH,
    Terms,
    licence_key,
    licence_sentence,
    licence_summary,
    terms_of,
    terms_sentence,
)
from annoengine.record import Licence


@pytest.mark.parametrize(
    ("model", "terms"),
    [
        ("openai/gpt-4o-2024-11-20", OPENAI),
        ("openai/ft:gpt-4o-2024-08-06:lab:x", OPENAI),
        ("openrouter/openai/o3", OPENAI),
        ("openai/gpt-6-luna", OPENAI),
        ("openai/openai/gpt-oss-120b", GPT_OSS),
        ("gemini/gemini-2.5-flash", GEMINI),
        ("gemini/gemma-3-27b-it", GEMINI),  # the service's terms, beside the model's
        ("openai/google/gemini-3-pro", GEMINI),
        ("openai/google/gemma-3-27b-it", GEMMA),
        ("openai/google/gemma-4-31B-it", GEMMA_4),
        ("vllm/Qwen/Qwen2-VL-7B-Instruct", QWEN_APACHE),
        ("qwen2_vl/Qwen2-VL-2B-Instruct", QWEN_APACHE),
        ("vllm/Qwen/Qwen2-VL-72B-Instruct-AWQ", QWEN2_72B),
        ("vllm/Qwen/Qwen2.5-VL-3B-Instruct", QWEN_RESEARCH),
        ("openai/qwen2.5vl:7b", QWEN_APACHE),
        ("vllm/Qwen/Qwen2.5-VL-32B-Instruct", QWEN_APACHE),
        ("vllm/Qwen/Qwen2.5-VL-72B-Instruct", QWEN_72B),
        ("vllm/Qwen/Qwen3-VL-235B-A22B-Instruct", QWEN_APACHE),
        ("llama/meta-llama/Llama-2-7b-chat-hf", LLAMA_2_3),
        ("llama/meta-llama/Meta-Llama-3-8B-Instruct", LLAMA_2_3),
        ("llama/meta-llama/Llama-3.1-8B-Instruct", LLAMA_3_1),
        ("llama/meta-llama/Llama-3.2-3B-Instruct", LLAMA_3_1),
        ("llama/meta-llama/Llama-3.2-11B-Vision-Instruct", LLAMA_3_2_VISION),
        ("llama/meta-llama/Llama-4-Scout-17B-16E", LLAMA_3_1),
        ("pixels", OWN),
    ],
)
def test_terms_by_name(model: str, terms: Terms) -> None:
    assert terms_of(model) is terms


@pytest.mark.parametrize(
    "model",
    [
        "openai/llava-1.6",
        "openai/our-own-vlm",
        "vllm/Qwen/Qwen2-VL",  # of which size?
        "vllm/Qwen/Qwen3.8-27B",
        "openai/MiniGPT-4",
        "openai/openllama-3b",
        "openai/Xkev/LLaVA-o1",
        "openai/gpt-2",
        "replay/runs/pix2cap",
    ],
)
def test_what_is_not_known_is_said(model: str) -> None:
    assert terms_of(model) is None
    assert terms_sentence(model) == (
        f"{model}: the terms on its outputs are not known here; read them before training"
    )


def test_what_may_be_trained() -> None:
    assert {OPENAI.training, GEMINI.training, LLAMA_2_3.training} == {"restricted"}
    assert {LLAMA_3_1.training, QWEN_72B.training, GEMMA.training} == {"with conditions"}
    assert {QWEN_APACHE.training, GPT_OSS.training, OWN.training} == {"not restricted"}


def test_every_row_is_a_sentence_with_its_source_and_month() -> None:
    rows = [value for value in vars(model_terms).values() if isinstance(value, Terms)]
    assert len(rows) >= 13
    for terms in rows:
        assert terms.sentence.endswith(".")
        assert terms.source
        assert re.fullmatch(r"20\d\d-[01]\d", terms.seen)


def test_the_sentence_names_the_document() -> None:
    assert terms_sentence("gemini/gemini-2.5-pro") == (
        "gemini/gemini-2.5-pro: Gemini API Additional Terms of Service: The service must not be "
        "used to develop models that compete with it, nor to extract or replicate its models; "
        "through Vertex AI, Google Cloud's terms hold instead. (ai.google.dev/gemini-api/terms, "
        "Use Restrictions, effective 2026-03-23)"
    )


COCO = [
    # (id, url, name) as COCO's annotation files have them; commercial use, derivatives.
    (1, "creativecommons.org/licenses/by-nc-sa/2.0/", "Attribution-NonCommercial-ShareAlike"),
    (2, "creativecommons.org/licenses/by-nc/2.0/", "Attribution-NonCommercial"),
    (3, "creativecommons.org/licenses/by-nc-nd/2.0/", "Attribution-NonCommercial-NoDerivs"),
    (4, "creativecommons.org/licenses/by/2.0/", "Attribution"),
    (5, "creativecommons.org/licenses/by-sa/2.0/", "Attribution-ShareAlike"),
    (6, "creativecommons.org/licenses/by-nd/2.0/", "Attribution-NoDerivs"),
    (7, "flickr.com/commons/usage/", "No known copyright restrictions"),
    (8, "www.usa.gov/copyright.shtml", "United States Government Work"),
]
ALLOWS = {
    1: ("no", "yes"),
    2: ("no", "yes"),
    3: ("no", "no"),
    4: ("yes", "yes"),
    5: ("yes", "yes"),
    6: ("yes", "no"),
    7: ("unknown", "unknown"),
    8: ("yes", "yes"),
}


@pytest.mark.parametrize(("number", "url", "name"), COCO)
def test_coco_licences_by_id_url_and_name(number: int, url: str, name: str) -> None:
    suffix = " License" if number <= 6 else ""
    for key in (str(number), f"http://{url}", f"https://{url}", f"{name}{suffix}"):
        (use,) = licence_summary({key: 3})
        assert use.name == name
        assert (use.commercial, use.derivatives, use.images) == (*ALLOWS[number], 3)


def test_other_editions_and_dedications_are_known_by_their_url() -> None:
    uses = licence_summary(
        {
            "https://creativecommons.org/licenses/by/4.0/deed.de": 1,
            "https://creativecommons.org/licenses/by-nc-sa/2.0/jp/": 1,
            "https://creativecommons.org/publicdomain/zero/1.0/": 1,
        }
    )
    assert sorted(use.name for use in uses) == [
        "Attribution",
        "Attribution-NonCommercial-ShareAlike",
        "CC0",
    ]


def test_a_licence_that_is_not_in_the_table_is_unknown() -> None:
    uses = licence_summary({"https://example.org/terms": 5, "": 2, "99": 1, "by": 1})
    assert [(use.name, use.commercial, use.derivatives, use.images) for use in uses] == [
        ("https://example.org/terms", "unknown", "unknown", 5),
        ("no licence given", "unknown", "unknown", 2),
        ("99", "unknown", "unknown", 1),
        ("by", "unknown", "unknown", 1),
    ]


def test_keys_of_one_licence_are_added_up() -> None:
    uses = licence_summary({"4": 2, "http://creativecommons.org/licenses/by/2.0/": 5, "1": 6})
    assert [(use.name, use.images) for use in uses] == [
        ("Attribution", 7),
        ("Attribution-NonCommercial-ShareAlike", 6),
    ]


def test_the_key_of_a_licence_is_the_surest_that_it_has() -> None:
    assert licence_key(None) == ""
    assert licence_key(Licence(id=4)) == "4"
    assert licence_key(Licence(id=4, name="Attribution License")) == "Attribution License"
    assert licence_key(Licence(id=4, name="x", url="http://y")) == "http://y"


def test_the_summary_in_a_sentence() -> None:
    uses = licence_summary({"1": 3000, "3": 1000, "4": 500, "6": 20, "7": 3, "": 1})
    assert licence_sentence(uses) == (
        "commercial use: 520 of 4,524 images (4,000 no, 4 unknown); "
        "derivatives: 3,500 of 4,524 images (1,020 no, 4 unknown)"
    )
    assert licence_sentence([]) == (
        "commercial use: 0 of 0 images (0 no, 0 unknown); "
        "derivatives: 0 of 0 images (0 no, 0 unknown)"
    )
