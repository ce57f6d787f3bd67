"""What is known of the terms on models' outputs and on photographs, said before money is spent.

Facts with their source and date, in a sentence each; no legal advice. What is not in the tables
is unknown, and said to be: nothing is inferred from a similar name. Terms change; the text that
counts is the provider's own, on the day of the call.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from annoengine.record import Licence

Training = Literal["restricted", "with conditions", "not restricted"]
"""Whether a model's outputs may be used to train another: not to compete or not at all; if
something is done about it; or no term stands against it."""


@dataclass(frozen=True)
class Terms:
    """Whose terms, and what they say of training on outputs.

    ``source`` is the document with its date; ``seen`` the month in which its words were read, in
    it or quoted from it.
    """

    name: str
    training: Training
    sentence: str
    source: str
    seen: str = "2026-11"


OPENAI = Terms(
    "OpenAI Services Agreement",
    "restricted",
    "Outputs must not be used to develop models that compete with OpenAI's products and services; "
    "excepted are classifiers and embeddings that are not distributed, and OpenAI's own "
    "fine-tuning.",
    "openai.com/policies/services-agreement, section 3.3(e), effective 2026-01-01",
)
GEMINI = Terms(
    "Gemini API Additional Terms of Service",
    "restricted",
    "The service must not be used to develop models that compete with it, nor to extract or "
    "replicate its models; through Vertex AI, Google Cloud's terms hold instead.",
    "ai.google.dev/gemini-api/terms, Use Restrictions, effective 2026-03-23",
)
GEMMA = Terms(
    "Gemma Terms of Use",
    "with conditions",
    "A model trained on outputs of Gemma 1 to 3 is a 'Model Derivative': its distribution carries "
    "these terms and their use restrictions on.",
    "ai.google.dev/gemma/terms, section 1.1, modified 2026-04-01",
)
GEMMA_4 = Terms(
    "Apache License 2.0 (Gemma 4)",
    "not restricted",
    "The licence of the weights says nothing of outputs.",
    "ai.google.dev/gemma/docs/gemma_4_license, updated 2026-04-01",
)
QWEN_APACHE = Terms(
    "Apache License 2.0 (Qwen)",
    "not restricted",
    "The licence of the weights says nothing of outputs.",
    "LICENSE beside the weights, huggingface.co/Qwen",
)
QWEN_72B = Terms(
    "Qwen License Agreement",
    "with conditions",
    "A distributed model that was trained on outputs must display 'Built with Qwen' or 'Improved "
    "using Qwen' in its documentation; above 100 million monthly users a licence is needed.",
    "LICENSE beside Qwen2.5-72B-Instruct, huggingface.co/Qwen, 2024-09-19",
)
QWEN2_72B = Terms(
    "Tongyi Qianwen License Agreement",
    "restricted",
    "As published in 2023, outputs must not be used to improve any other large language model than "
    "Qwen's; which edition lies beside these weights was not read.",
    "github.com/QwenLM/Qwen, Tongyi Qianwen LICENSE AGREEMENT, section 5(b)",
)
QWEN_RESEARCH = Terms(
    "Qwen Research License",
    "restricted",
    "The model is for research and evaluation, not for commercial use.",
    "LICENSE beside Qwen2.5-VL-3B-Instruct, huggingface.co/Qwen",
)
LLAMA_2_3 = Terms(
    "Llama 2 and Meta Llama 3 Community License",
    "restricted",
    "Outputs must not be used to improve any large language model other than Llama and its "
    "derivatives.",
    "section 1.b.v; versions of 2023-07-18 and 2024-04-18",
)
LLAMA_3_1 = Terms(
    "Llama 3.1 to 4 Community License",
    "with conditions",
    "A distributed model that was trained on outputs must have a name that begins with 'Llama' and "
    "display 'Built with Llama'.",
    "section 1.b.i; Llama 3.1, 3.2, 3.3 and 4",
)
LLAMA_3_2_VISION = Terms(
    "Llama 3.2 Community License, multimodal models",
    "with conditions",
    f"{LLAMA_3_1.sentence} No rights in these models are granted to individuals or companies of "
    "the European Union.",
    "section 1.b.i, and the Llama 3.2 Acceptable Use Policy, last paragraph",
)
GPT_OSS = Terms(
    "Apache License 2.0 (gpt-oss)",
    "not restricted",
    "The licence of the weights says nothing of outputs.",
    "huggingface.co/openai/gpt-oss-120b, LICENSE and USAGE_POLICY",
)
OWN = Terms(
    "annoengine",
    "not restricted",
    "The answers are computed from pixels and masks; no model's terms hold.",
    "annoengine/baseline",
)

_TABLE: tuple[tuple[str, Terms], ...] = (
    (r"^pixels(/|$)", OWN),
    (r"^gemini/|\bgemini-", GEMINI),
    (r"\bgpt-oss", GPT_OSS),
    (r"\b(gpt-([3-9]|\d\d)|chatgpt-)|(^|[/:])(o[134](?![a-z\d])|codex-|computer-use)", OPENAI),
    (r"\bgemma-?[123](?!\d)", GEMMA),
    (r"\bgemma-?4(?![\db])", GEMMA_4),
    (r"\bqwen2[-_.]?vl[-_:](2|7)b", QWEN_APACHE),
    (r"\bqwen2[-_.]?vl[-_:]72b", QWEN2_72B),
    (r"\bqwen2\.5[-_.]?vl[-_:]3b", QWEN_RESEARCH),
    (r"\bqwen2\.5[-_.]?vl[-_:](7|32)b", QWEN_APACHE),
    (r"\bqwen2\.5[-_.]?vl[-_:]72b", QWEN_72B),
    (r"\bqwen3[-_.]?vl", QWEN_APACHE),
    (r"\bllama-?3\.2-(11|90)b", LLAMA_3_2_VISION),
    (r"\bllama-?(3\.[123]|4)(?![\db])", LLAMA_3_1),
    (r"\bllama-?[23](?![.\db])", LLAMA_2_3),
)


def terms_of(model: str) -> Terms | None:
    """The terms on the outputs of ``model`` (``provider/model``); None where none are known.

    A model that was fine-tuned from another stands under that one's terms as well; its name may
    not tell.

    >>> terms_of("openai/gpt-4o").training, terms_of("openai/our-own-vlm")
    ('restricted', None)
    """
    name = model.lower()
    return next((terms for pattern, terms in _TABLE if re.search(pattern, name)), None)


def terms_sentence(model: str) -> str:
    """One line for a person, unknown terms included."""
    terms = terms_of(model)
    if terms is None:
        return f"{model}: the terms on its outputs are not known here; read them before training"
    return f"{model}: {terms.name}: {terms.sentence} ({terms.source})"


Allowed = Literal["yes", "no", "unknown"]


@dataclass(frozen=True)
class LicenceUse:
    """What a photograph's licence allows, and how many photographs have it.

    ``note`` is what it asks for in return.
    """

    name: str
    commercial: Allowed
    derivatives: Allowed
    note: str = ""
    images: int = 0


_BY, _SA = "name the author", "name the author; derivatives under the same licence"
_LICENCES: tuple[tuple[str, str, LicenceUse], ...] = (
    ("1", "by-nc-sa", LicenceUse("Attribution-NonCommercial-ShareAlike", "no", "yes", _SA)),
    ("2", "by-nc", LicenceUse("Attribution-NonCommercial", "no", "yes", _BY)),
    ("3", "by-nc-nd", LicenceUse("Attribution-NonCommercial-NoDerivs", "no", "no", _BY)),
    ("4", "by", LicenceUse("Attribution", "yes", "yes", _BY)),
    ("5", "by-sa", LicenceUse("Attribution-ShareAlike", "yes", "yes", _SA)),
    ("6", "by-nd", LicenceUse("Attribution-NoDerivs", "yes", "no", _BY)),
    (
        "7",
        "flickr.com/commons",
        LicenceUse(
            "No known copyright restrictions",
            "unknown",
            "unknown",
            "the institution knows of no restriction; it grants nothing",
        ),
    ),
    (
        "8",
        "usa.gov",
        LicenceUse("United States Government Work", "yes", "yes", "in the United States"),
    ),
    ("", "publicdomain/zero", LicenceUse("CC0", "yes", "yes")),
    ("", "publicdomain/mark", LicenceUse("Public Domain Mark", "yes", "yes")),
)
"""COCO's id, what its URL has, and the licence.

Source: ``licenses`` of COCO's annotation files (2014 and 2017): ids 1 to 6 are Creative Commons
2.0, whose deeds say what each allows; 7 is Flickr Commons' usage page, 8 that of usa.gov.
"""


def licence_key(licence: Licence | None) -> str:
    """By what a licence is known: its URL, else its name, else COCO's id; "" without one."""
    if licence is None:
        return ""
    return licence.url or licence.name or str(licence.id)


def _use_of(key: str) -> LicenceUse:
    wanted = key.strip().lower()
    if not wanted:
        return LicenceUse("no licence given", "unknown", "unknown")
    deed = re.search(r"creativecommons\.org/licenses/([a-z-]+)", wanted)
    name = re.sub(r"\s+licen[sc]e$", "", wanted)
    for coco_id, mark, use in _LICENCES:
        by_url = deed[1] == mark if deed else mark in wanted and not mark.startswith("by")
        if wanted == coco_id or name == use.name.lower() or by_url:
            return use
    return LicenceUse(key, "unknown", "unknown", "not known here")


def licence_summary(counts: Mapping[str, int]) -> list[LicenceUse]:
    """What the licences of a dataset's photographs allow, the most frequent first.

    ``counts``: photographs by :func:`licence_key`. Keys of the same licence are added up.

    >>> [(use.name, use.commercial, use.images) for use in licence_summary({"4": 2, "3": 5})]
    [('Attribution-NonCommercial-NoDerivs', 'no', 5), ('Attribution', 'yes', 2)]
    """
    images: dict[LicenceUse, int] = {}
    for key, count in counts.items():
        use = _use_of(key)
        images[use] = images.get(use, 0) + count
    uses = [replace(use, images=count) for use, count in images.items()]
    return sorted(uses, key=lambda use: (-use.images, use.name))


def licence_sentence(uses: Sequence[LicenceUse]) -> str:
    """One line for a person: how many photographs there are for each use.

    >>> licence_sentence(licence_summary({"4": 2, "3": 5, "": 1}))
    'commercial use: 2 of 8 images (5 no, 1 unknown); derivatives: 2 of 8 images (5 no, 1 unknown)'
    """
    total = sum(use.images for use in uses)

    def share(answers: Iterable[tuple[Allowed, int]]) -> str:
        sums: dict[Allowed, int] = {"yes": 0, "no": 0, "unknown": 0}
        for answer, images in answers:
            sums[answer] += images
        yes, no, unknown = sums["yes"], sums["no"], sums["unknown"]
        return f"{yes:,} of {total:,} images ({no:,} no, {unknown:,} unknown)"

    commercial = share((use.commercial, use.images) for use in uses)
    derivatives = share((use.derivatives, use.images) for use in uses)
    return f"commercial use: {commercial}; derivatives: {derivatives}"
