"""The quick way of parsing beside spaCy's own: the same words, tags, lemmas, heads and phrases."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import spacy

from annoengine.language import word_embedding
from annoengine.language.caption_pipeline import CaptionPipeline, PlainPipeline, pipeline_of
from annoengine.language.noun_phrases import base_noun_phrases
from annoengine.language.parsed import Chunk
from annoengine.language.parser import DEFAULT_MODEL, installed_package
from annoengine.language.window_encoder import WindowEncoder, is_window_encoder
from annoengine.language.word_attributes import are_understood
from tests.claims.label_table import EXAMPLES, read_labels
from tests.rewriting.innocent import INNOCENT
from tests.rewriting.planted import plant_all

ODD = (
    "",
    " ",
    "  A dog .",
    "Hi\n\nthere \t is",
    "y'all ain't gonna go. There's a dog; it's let's c'm on gotta",
    "IT is it. I see you. Do it!",
    "That that is is.",
    "What they did, they had; has it done so?",
    "a b 😀 dogs … 3.5 cm 'quoted' (5) [2]",
)


def load() -> Any:
    """The model, loaded anew."""
    return spacy.load(installed_package(DEFAULT_MODEL) or "", exclude=["ner"])


@pytest.fixture(scope="module")
def plain() -> PlainPipeline:
    return PlainPipeline(load())


@pytest.fixture(scope="module")
def quick() -> CaptionPipeline:
    pipeline = pipeline_of(load())
    assert isinstance(pipeline, CaptionPipeline)
    return pipeline


def captions() -> Iterator[str]:
    """Written, planted, look-alike and odd captions, and heaps of their words."""
    said = [label.caption for label in read_labels(EXAMPLES)]
    said += [planted.text for planted in plant_all(310)][::4]
    said += [text for _, text in INNOCENT]
    drawn = random.Random(3)
    words = [word for text in said for word in text.split()]
    yield from dict.fromkeys(said[::2])
    yield from ODD
    for _ in range(60):
        yield " ".join(drawn.choice(words) for _ in range(drawn.randrange(1, 25)))


def test_parses_are_those_of_spacy(plain: PlainPipeline, quick: CaptionPipeline) -> None:
    texts = list(captions())
    assert len(texts) > 250
    for first in range(0, len(texts), 8):
        some = texts[first : first + 8]
        for ours, theirs in zip(quick.parse(some), plain.parse(some), strict=True):
            assert ours == theirs


def test_what_was_parsed_before_changes_nothing(quick: CaptionPipeline) -> None:
    texts = ["There is a tall dog on the left.", "Let's go.", "It does not lean on a wall."]
    assert pipeline_of(load()).parse(texts) == quick.parse(texts) == quick.parse(texts)


def test_words_are_embedded_anew_when_the_table_is_full(
    quick: CaptionPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["A red bus stops.", "Two zebras drink from a shallow pond."]
    before = quick.parse(texts)
    monkeypatch.setattr(word_embedding, "KEPT", 2)
    assert [quick.parse([text])[0] for text in (*texts, *texts)] == before * 2


def test_a_model_that_is_built_otherwise_is_called_as_it_is() -> None:
    other = load()
    other.remove_pipe("lemmatizer")
    pipeline = pipeline_of(other)
    assert isinstance(pipeline, PlainPipeline)
    assert [token.tag for token in pipeline.parse(["A dog."])[0].tokens] == ["DT", "NN", "."]


def test_the_encoder_gives_what_the_models_own_gives() -> None:
    model = load().get_pipe("tok2vec").model.get_ref("encode")
    assert is_window_encoder(model)
    drawn = np.random.default_rng(1)
    texts = [drawn.standard_normal((n, 96)).astype(np.float32) for n in (1, 7, 30)]
    for ours, theirs in zip(WindowEncoder(model).encode(texts), model.predict(texts), strict=True):
        assert ours.shape == theirs.shape
        assert np.allclose(ours, theirs, atol=1e-4)


def test_other_layers_are_no_encoder() -> None:
    nlp = load()
    assert not is_window_encoder(nlp.get_pipe("tagger").model)
    assert not is_window_encoder(nlp.get_pipe("tok2vec").model.get_ref("embed"))


@pytest.mark.parametrize(
    ("words", "understood"),
    [
        ([{"TAG": "NN"}], True),
        (
            [{"LOWER": {"IN": ["that"]}, "DEP": {"NOT_IN": ["det"]}}, {"LOWER": {"REGEX": "^n"}}],
            True,
        ),
        ([{"TAG": "NN"}, {"TAG": "NN"}, {"TAG": "NN"}], False),
        ([{"TAG": "NN", "OP": "+"}], False),
        ([{"SHAPE": "Xx"}], False),
        ([{"LOWER": {"FUZZY": "dog"}}], False),
        ([], False),
    ],
)
def test_patterns_that_look_further_are_not_understood(
    words: list[dict[str, Any]], understood: bool
) -> None:
    assert are_understood([{"patterns": [words]}]) is understood


def test_phrases_reach_from_the_leftmost_word_below_a_noun_to_the_noun() -> None:
    # "The tall giraffe and its calf eat": the calf is joined to a subject.
    pos = ["DET", "ADJ", "NOUN", "CCONJ", "PRON", "NOUN", "VERB"]
    deps = ["det", "amod", "nsubj", "cc", "poss", "conj", "ROOT"]
    heads = [2, 2, 6, 2, 5, 2, 6]
    found = base_noun_phrases(pos, deps, heads, [False] * 7)
    assert found == (Chunk(0, 3, 2), Chunk(4, 6, 5))


def test_a_noun_that_only_describes_another_is_no_phrase() -> None:
    # "A city bus"; and a noun inside a phrase begins none of its own.
    found = base_noun_phrases(
        ["DET", "NOUN", "NOUN"], ["det", "compound", "ROOT"], [2, 2, 2], [False] * 3
    )
    assert found == (Chunk(0, 3, 2),)
