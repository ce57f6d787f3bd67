"""Every measure of a dataset whose captions were counted by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.errors import InputError
from annoengine.language.parsed import Token
from annoengine.language.parser import DEFAULT_MODEL
from annoengine.statistics import counting
from annoengine.statistics.counting import CaptionSet, DistinctImages, count_captions, named_apart
from annoengine.statistics.datasets import Reading, open_dataset
from annoengine.statistics.measures import (
    MEASURES,
    common_nouns,
    common_verbs,
    length_quantile,
    noun_kinds,
)
from annoengine.statistics.sample import Level, Notes, Sample
from annoengine.statistics.word_classes import is_attribute
from tests.statistics.datasets import DOG, PERSON, RACKET, pix2cap


def count(path: Path, model: str | None = None) -> list[CaptionSet]:
    return count_captions("d", open_dataset(str(path), Reading()), model, workers=0)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> CaptionSet:
    path = pix2cap(tmp_path_factory.mktemp("counted") / "val.json")
    (one,) = count(path, DEFAULT_MODEL)
    return one


def test_every_measure_is_what_a_person_counts(counted: CaptionSet) -> None:
    """Three captions in two images, of 7, 11 and 8 words; 4 + 1 masks, one of them a crowd."""
    found = {name: measure(counted) for name, measure in MEASURES.items()}
    assert found == {
        "images": 2,
        "captions": 3,
        "captions_per_image": 1.5,
        "samples": 2,
        "characters": pytest.approx((len(PERSON) + len(DOG) + len(RACKET)) / 3),
        "words": pytest.approx(26 / 3),
        "sentences": pytest.approx(4 / 3),
        # person jacket; dog person; tennis racket tennis court
        "nouns": pytest.approx(8 / 3),
        # red; small brown
        "adjectives": 1,
        # quickly
        "adverbs": pytest.approx(1 / 3),
        # wearing; stands runs; lies
        "verbs": pytest.approx(4 / 3),
        # is
        "auxiliaries": pytest.approx(1 / 3),
        "attributes": 1,
        "more_than_one_attribute": pytest.approx(1 / 3),
        "masks_per_image": 2.5,
        # Three of four: the crowd is no part.
        "segments_grounded": 0.75,
        # jacket, and the tennis of the court; a court is a playing field.
        "nouns_beyond_class_names": 0.25,
    }
    assert counted.without_caption == 1


def test_lengths_and_words(counted: CaptionSet) -> None:
    assert counted.tally.lengths == {7: 1, 11: 1, 8: 1}
    assert [length_quantile(counted, percent) for percent in (25, 50, 75)] == [7, 8, 11]
    assert counted.tally.word_forms["the"] == 3
    assert noun_kinds(counted) == {"class name": 5, "other word": 1, "beyond": 2}
    nouns = [(one.word, one.times, one.kind) for one in common_nouns(counted, 3)]
    assert nouns == [
        ("person", 2, "class name"),
        ("court", 1, "other word"),
        ("dog", 1, "class name"),
    ]
    beyond = [(one.word, one.times) for one in common_nouns(counted, 9, beyond=True)]
    assert beyond == [("jacket", 1), ("tennis", 1)]
    assert [one.word for one in common_verbs(counted, 9)] == ["lies", "runs", "stands", "wearing"]
    classes = counted.tally.classes
    assert classes is not None
    assert classes.attributes == {0: 1, 1: 1, 2: 1}


def test_forms_of_a_word_are_one_and_shown_as_they_come_most_often() -> None:
    one = CaptionSet("d", "image", "jsonl", Notes(), frozenset())
    tally = counting.tally_of(
        ("Cars pass a car. A man stands by cars.", "Men stand."), frozenset({"car"}), DEFAULT_MODEL
    )
    one = replace(one, tally=tally)
    nouns = [(noun.word, noun.times) for noun in common_nouns(one, 2)]
    assert nouns == [("cars", 3), ("man", 2)]
    assert ("stand", 2) in [(v.word, v.times) for v in common_verbs(one, 9)]


@pytest.mark.parametrize(
    ("text", "pos", "dep", "is_one"),
    [
        ("red", "ADJ", "amod", True),
        ("clear", "ADJ", "acomp", True),
        ("other", "ADJ", "amod", False),
        ("Left", "ADJ", "amod", False),
        ("parked", "VERB", "amod", True),
        ("running", "VERB", "acl", False),
        ("brick", "NOUN", "compound", False),
    ],
)
def test_what_an_attribute_is(text: str, pos: str, dep: str, is_one: bool) -> None:
    token = Token(0, text, text.lower(), pos, "", dep, 0, 0, len(text), 0)
    assert is_attribute(token) is is_one


class Given:
    """Samples that are there already."""

    kind = "given"

    def __init__(self, samples: list[Sample]) -> None:
        self._samples = samples
        self.notes = Notes()

    def class_names(self) -> None:
        return

    def samples(self) -> Iterator[Sample]:
        yield from self._samples


_texts = st.lists(st.sampled_from([PERSON, DOG, RACKET, "", "Dogs. 1 dog!"]), max_size=3)
_samples = st.lists(
    st.builds(
        Sample,
        image=st.sampled_from("abc"),
        level=st.sampled_from(["region", "image"]),
        texts=_texts.map(tuple),
        masks=st.none() | st.integers(0, 9),
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(_samples, st.randoms(use_true_random=False))
def test_the_order_of_samples_and_the_cut_into_tasks_change_nothing(
    samples: list[Sample], random: Random
) -> None:
    samples = [*samples, Sample("a", "image", ("A dog.",))]
    shuffled = samples.copy()
    random.shuffle(shuffled)
    one = count_captions("d", Given(samples), None, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "_TASK_CAPTIONS", 1)
        other = count_captions("d", Given(shuffled), None, 0)
    assert [replace(s, notes=Notes()) for s in one] == [replace(s, notes=Notes()) for s in other]


def test_workers_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pix2cap(tmp_path / "val.json")
    alone = count(path)
    monkeypatch.setattr(counting, "_FEW_CHARACTERS_UNPARSED", 0)
    monkeypatch.setattr(counting, "_TASK_CAPTIONS", 1)
    told: list[int] = []
    dataset = open_dataset(str(path), Reading())
    many = count_captions("d", dataset, None, 1, lambda name, n: told.append(n))
    assert [one.tally for one in many] == [one.tally for one in alone]
    assert told == [1, 2, 3]


def test_memory_does_not_grow_with_the_captions() -> None:
    """What is held is as large for a thousand captions as for three."""

    def held(times: int) -> int:
        samples = [Sample("a", "image", (PERSON, DOG, RACKET))] * times
        (one,) = count_captions("d", Given(samples), None, 0)
        assert one.tally.captions == 3 * times
        return len(one.tally.word_forms) + len(one.tally.lengths)

    assert held(1) == held(400)


def test_images_that_come_twice_are_one() -> None:
    images = DistinctImages()
    for number in range(150_000):
        images.add(str(number % 70_000))
    assert len(images) == 70_000
    images.add("0")
    images.add("new")
    assert len(images) == 70_001


def test_sets_of_one_dataset_are_told_apart() -> None:
    known: list[tuple[str, Level]] = [("a", "region"), ("a", "image"), ("b", "image")]
    sets = [CaptionSet(name, level, "run", Notes(), frozenset()) for name, level in known]
    assert [one.name for one in named_apart(sets)] == ["a (regions)", "a (images)", "b"]


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        ([], "d has no captions: it has no entries"),
        ([Sample("a", "image", (" ",))] * 2, "d has no captions: none of its 2 entries has one"),
    ],
)
def test_nothing_to_count_is_a_sentence(samples: list[Sample], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        count_captions("d", Given(samples), None, 0)
    assert str(caught.value) == sentence


def test_a_caption_without_a_word_has_the_length_0() -> None:
    (one,) = count_captions("d", Given([Sample("a", "image", ("…", "A dog."))]), None, 0)
    assert one.tally.lengths == Counter({0: 1, 2: 1})
