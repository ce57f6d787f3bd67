"""How fast the part of PancapScore is that asks no model, beside a loop as the authors have it.

::

    python -m tests.benchmarks.pancapscore --pairs 1000
    python -m tests.benchmarks.pancapscore --pairs 1000 --nltk

Pairs of generated captions as long as those of SA-Pancap's test set (arXiv 2505.16334, Table A3:
9.9 instances, 13.4 attributes, 12.4 relations and 1.9 global states), and a recorded judge: its
answers are texts, and both sides read them. Both sides start from the texts of the content and
end with the five means. Their loop is written here from the description of their three programs:
content is read line by line for each step, instances are matched pair by pair in plain loops,
once for each direction's questions and once more for the scores. Vectors are given to both sides
(theirs runs a model, a batch of one tag at a time), and the IoU of two boxes is a few
multiplications where theirs makes two tensors.

With ``--nltk`` the tags are COCO's, and each side asks WordNet as it really does: theirs NLTK, for
each word of each pair of tags anew, annoengine its own reader. Without, a dictionary in memory
answers both at once, which spares their loop most of its time.

Prints CPU seconds, the least of several rounds, and the ratio. As it must be, both give the same
scores where both compute as published; that is checked before anything is measured.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

import annoengine
from annoengine.language.wordnet import WordNet
from annoengine.pancap.as_published import (
    match_as_published,
    read_answers,
    score_as_published,
)
from annoengine.pancap.content import Attribute, Content, Entity, GlobalState, Location, Relation
from annoengine.pancap.content_lines import parse_content
from annoengine.pancap.judging import parse_answers
from annoengine.pancap.line_writing import entity_lines, write_content
from annoengine.pancap.matching import match_instances
from annoengine.pancap.published_reading import read_published
from annoengine.pancap.questions import Question, askable, items_of, map_questions, plain_question
from annoengine.pancap.scoring import MeanScore, score_pair
from annoengine.pancap.similarity import TagSimilarity

ENTITIES, ATTRIBUTES, RELATIONS, GLOBALS = 10, 13, 12, 2
"""Of a caption of the test set, rounded. Source: arXiv 2505.16334, Table A3."""

KINDS = 300
"""Tags in all: the test set has 306 categories. Source: as above."""

SHARES = [1 / rank for rank in range(1, KINDS + 1)]
"""How often each tag comes: by its rank, as words do (Zipf); ours."""

SENSES = 5
"""Of a noun: WordNet 3.0 has 7 for "dog", 5 for "car", 3 for "tree", 11 for "man"."""

DIMENSIONS = 384
"""Of a vector, as those of all-MiniLM-L6-v2."""

Vectors = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Texts:
    """A pair as it lies in the files: content of both sides, answers to each one's questions.

    Matching as published asks other questions than the default does, now and then.
    """

    reference: str
    prediction: str
    found: str
    right: str
    found_by_default: str
    right_by_default: str


class Dictionary:
    """Synonyms held in memory: words that end in the same digit of a hundred share a sense."""

    def __init__(self, words: list[str]) -> None:
        self.senses = {
            word: [
                [word, f"sense {word[-2:]}"],
                *([word, f"{word} {n}", f"{word} {n} too"] for n in range(SENSES - 1)),
            ]
            for word in words
        }
        self.group = {word: word[-2:] for word in words}
        self.known: dict[str, frozenset[str]] = {}

    def words(self, word: str) -> frozenset[str]:
        """The words of all senses of a word, remembered."""
        known = self.known.get(word)
        if known is None:
            known = self.known[word] = frozenset(self.collect(word))
        return known

    def collect(self, word: str) -> set[str]:
        """The words of all senses of a word, collected anew, as their loop does."""
        words = set()
        for sense in self.senses.get(word, ()):
            for lemma in sense:
                words.add(lemma)
        return words

    def are_synonyms(self, one: str, other: str, word_class: str) -> bool:
        """Do two words share a sense?"""
        group = self.group.get(one)
        return group is not None and group == self.group.get(other)


class Nltk(Dictionary):
    """WordNet: for their loop as NLTK reads it, for annoengine as it reads it itself."""

    def __init__(self, words: list[str], folder: Path) -> None:
        super().__init__(words)
        self.ours = WordNet("auto")
        for file in self.ours.folder.iterdir():
            if file.is_file():
                shutil.copyfile(file, folder / file.name)
        # Debian's package leaves this file out; NLTK reads the names and never needs them here.
        (folder / "lexnames").write_text("".join(f"{n:02}\tname{n}\t1\n" for n in range(45)))
        # NLTK opens no folder but those of its own list.
        importlib.import_module("nltk.data").path.append(str(folder))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader = importlib.import_module("nltk.corpus.reader.wordnet")
            # What it maps at its start serves other languages, and needs files that are not here.
            methods = {"map_wn": lambda self, version="wordnet": None}
            english = type("English", (reader.WordNetCorpusReader,), methods)
            self.theirs: Any = english(str(folder), None)

    def collect(self, word: str) -> set[str]:
        """The words of all noun senses, as their code collects them."""
        words = set()
        for sense in self.theirs.synsets(word, "n"):
            for lemma in sense.lemmas():
                words.add(lemma.name())
        return words

    def are_synonyms(self, one: str, other: str, word_class: str) -> bool:
        """Do two words share a sense?"""
        return self.ours.are_synonyms(one, other, "noun")


def coco_tags() -> list[str]:
    """The names of COCO's categories, and each with an adjective."""
    path = Path(annoengine.__file__).with_name("coco_panoptic_categories.json")
    names = [category["name"].split("-")[0] for category in json.loads(path.read_text())]
    return [tag for name in dict.fromkeys(names) for tag in (name, f"big {name}")]


def make_pair(chance: random.Random, names: list[str]) -> tuple[Content, Content]:
    """A reference and a prediction that finds some of it."""
    shares = SHARES[: len(names)]
    tags = chance.choices(names, shares, k=ENTITIES)
    others = chance.choices(names, shares, k=ENTITIES)
    kept = [
        tag if chance.random() < 0.6 else other for tag, other in zip(tags, others, strict=True)
    ]
    return make_content(chance, tags), make_content(chance, kept)


def make_content(chance: random.Random, tags: list[str]) -> Content:
    """A content of these entities, each with a box."""
    ids = range(1, len(tags) + 1)
    boxes = []
    for id in ids:
        x, y = chance.randrange(600) / 1000, chance.randrange(600) / 1000
        boxes.append(Location(id, (x, y, x + 0.4, y + 0.4)))
    attributes = [
        Attribute(id, f"entity {id} is rather trait{n}")
        for n, id in enumerate(chance.choices(ids, k=ATTRIBUTES))
    ]
    relations = []
    for n in range(RELATIONS):
        one, other = chance.sample(ids, 2)
        relations.append(Relation(one, other, f"entity {one} is way{n} next to entity {other}"))
    return Content(
        tuple(Entity(id, tag) for id, tag in zip(ids, tags, strict=True)),
        tuple(boxes),
        tuple(attributes),
        tuple(relations),
        tuple(GlobalState(f"the mood is mood{n}") for n in range(GLOBALS)),
    )


def answer(chance: random.Random, content: Content, other: Content, ids: Mapping[int, int]) -> str:
    """What the judge wrote: the entities again, and a line for each question that was asked."""
    lines = entity_lines(other)
    for question in ask(content, ids):
        named = [f"entity {id}" for id in question.entities]
        said = [f'"{chance.choice(("Yes", "No"))}"' for _ in range(2)]
        item = question.item
        lines.append(f"{item.id} | {item.dimension} -->> ({', '.join([*named, *said])})")
    return "\n".join(lines)


def make_texts(
    count: int, seed: int, folder: Path | None = None
) -> tuple[list[Texts], Dictionary, Vectors]:
    """Pairs with a recorded judge, the dictionary and the vectors of all tags.

    ``folder``: an empty one, in which WordNet is laid out for NLTK; None for the dictionary.
    """
    chance = random.Random(seed)
    words = [f"noun{n:03}" for n in range(KINDS)]
    names = [word if n % 3 else f"big {word}" for n, word in enumerate(words)]
    dictionary = Dictionary(words)
    if folder is not None:
        names = coco_tags()
        chance.shuffle(names)
        dictionary = Nltk(words, folder)
    rows = np.random.default_rng(seed).normal(size=(len(names), DIMENSIONS)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    vectors = dict(zip(names, rows, strict=True))
    texts, similarity = [], TagSimilarity(dictionary, vectors)
    for _ in range(count):
        reference, prediction = make_pair(chance, names)
        sides = [write_content(reference), write_content(prediction)]
        for match in (
            match_as_published(reference, prediction, dictionary.words, vectors),
            match_instances(reference, prediction, similarity),
        ):
            sides.append(answer(chance, reference, prediction, match.to_prediction))
            sides.append(answer(chance, prediction, reference, match.to_reference))
        texts.append(Texts(*sides))
    return texts, dictionary, vectors


def ask(content: Content, ids: Mapping[int, int]) -> tuple[Question, ...]:
    """The questions about a content, with the ids of the other."""
    return map_questions(map(plain_question, askable(items_of(content), ids)), ids)


def by_annoengine(texts: list[Texts], dictionary: Dictionary, vectors: Vectors) -> list[float]:
    """The means of the default score."""
    similarity, mean = TagSimilarity(dictionary, vectors), MeanScore()
    for text in texts:
        reference = parse_content(text.reference).content
        prediction = parse_content(text.prediction).content
        match = match_instances(reference, prediction, similarity)
        there, back = ask(reference, match.to_prediction), ask(prediction, match.to_reference)
        found, right = (
            parse_answers(text.found_by_default, there),
            parse_answers(text.right_by_default, back),
        )
        failures = found.failures + right.failures
        mean.add(score_pair(reference, prediction, match, found.answers, right.answers, failures))
    return [one.f1 for one in mean.dimensions.values()]


def by_annoengine_as_published(
    texts: list[Texts], dictionary: Dictionary, vectors: Vectors
) -> list[float]:
    """The means of the score as published."""
    mean = MeanScore()
    for text in texts:
        reference = read_published(text.reference)
        prediction = read_published(text.prediction)
        match = match_as_published(reference, prediction, dictionary.words, vectors)
        found, right = read_answers(text.found)[0], read_answers(text.right)[0]
        mean.add(score_as_published(reference, prediction, match, found, right))
    return [one.f1 for one in mean.dimensions.values()]


@dataclass
class Read:
    """What their loop holds of a text."""

    entities: dict[str, str]
    boxes: dict[str, list[float]]
    items: dict[str, list[list[str]]]


def read_plainly(text: str, answers: bool = False) -> Read:
    """A text in their way: split at the bar, the arrow and the commas, tried line by line."""
    read = Read({}, {}, {"attribute": [], "relation": [], "global": []})
    named = {"attribute": 1, "relation": 2, "global": 0}
    for line in text.split("\n"):
        try:
            number = int(line.split("|")[0])
            kind, held = line.replace("_", " ").split("|")[1].strip().split(" -->> ")
        except (ValueError, IndexError):
            continue
        parts = [part.strip() for part in held.strip()[1:-1].split(",")]
        if kind == "entity":
            read.entities[f"entity {number}"] = parts[-1]
        elif kind == "location":
            box = ",".join(parts[1:]).strip("[]")
            read.boxes[parts[0]] = [float(share) for share in box.split(",")]
        elif kind in named:
            ids, said = parts[: named[kind]], ",".join(parts[named[kind] :]).strip('"')
            known = all(id in read.entities for id in ids)
            if answers or (known and (not ids or ids[0] in said)):
                read.items[kind].append([*ids, said])
    return read


def overlap(a: list[float], b: list[float]) -> float:
    """The IoU of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def match_plainly(
    one: Read, other: Read, synonyms: Callable[[str], set[str]], vectors: Vectors
) -> tuple[dict[str, str], int]:
    """Their matching, pair by pair: who is whom, and how many boxes fit."""
    rows, columns = list(one.entities.items()), list(other.entities.items())
    near = (
        np.stack([vectors[tag] for _, tag in rows]) @ np.stack([vectors[t] for _, t in columns]).T
    )
    costs = np.zeros((len(rows), len(columns)))
    fits = np.zeros((len(rows), len(columns)))
    for i, (id, tag) in enumerate(rows):
        for j, (other_id, other_tag) in enumerate(columns):
            if tag == other_tag:
                costs[i, j] = -1000
            elif (share := shared_plainly(tag, other_tag, synonyms)) > 0:
                costs[i, j] = -100 * share
            elif near[i, j] >= 0.5:
                costs[i, j] = -10 * near[i, j]
            else:
                costs[i, j] = 1e6
            if costs[i, j] < 0 and id in one.boxes and other_id in other.boxes:
                iou = overlap(one.boxes[id], other.boxes[other_id])
                if iou >= 0.5:
                    costs[i, j] -= iou
                    fits[i, j] = 1
    known, fitting = {}, 0
    for i, j in zip(*linear_sum_assignment(costs), strict=True):
        if costs[i, j] < 0:
            known[rows[i][0]] = columns[j][0]
            fitting += int(fits[i, j])
    return known, fitting


def shared_plainly(one: str, other: str, synonyms: Callable[[str], set[str]]) -> float:
    """The IoU of the synonyms of two tags' words."""
    if one in other or other in one:
        return 1
    ours: set[str] = set()
    for word in one.split():
        ours |= synonyms(word)
    theirs: set[str] = set()
    for word in other.split():
        theirs |= synonyms(word)
    return len(ours & theirs) / (len(ours | theirs) + 1e-6)


def halves(answers: list[list[str]], most: int) -> float:
    """Half a point for each yes that comes first and each no that comes second."""
    points = 0.0
    for at, fields in enumerate(answers):
        first, second = (word.strip("\"' ").lower() for word in fields[-1].split(",")[:2])
        points += 0.5 * (first == "yes") + 0.5 * (second == "no")
        if at >= most:
            break
    return points


def harmonic(precision: float, recall: float) -> float:
    """The F-score."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def by_their_loop(texts: list[Texts], dictionary: Dictionary, vectors: Vectors) -> list[float]:
    """The means as their three programs come to them."""
    sums = [0.0] * 5
    for text in texts:
        for one, other in ((text.reference, text.prediction), (text.prediction, text.reference)):
            asker, reader = read_plainly(one), read_plainly(other)
            ids, _ = match_plainly(asker, reader, dictionary.collect, vectors)
            rename_plainly(asker, ids)
        reference, prediction = read_plainly(text.reference), read_plainly(text.prediction)
        found, right = read_plainly(text.found, True), read_plainly(text.right, True)
        ids, fitting = match_plainly(reference, prediction, dictionary.collect, vectors)
        sums[0] += harmonic(len(ids) / len(prediction.entities), len(ids) / len(reference.entities))
        sums[1] += harmonic(fitting / len(prediction.boxes), fitting / len(reference.boxes))
        for place, kind in enumerate(("attribute", "relation", "global"), start=2):
            ours, theirs = reference.items[kind], prediction.items[kind]
            back = right.items[kind]
            recall = halves(found.items[kind], len(ours)) / len(ours)
            precision = halves(back, len(theirs)) / len(back) if back else 0.0
            sums[place] += harmonic(precision, recall)
    return [total / len(texts) for total in sums]


def rename_plainly(read: Read, ids: Mapping[str, str]) -> list[str]:
    """The questions of one side with the ids of the other, one id after the other."""
    lines: list[str] = []
    for kind, items in read.items.items():
        for fields in items:
            if all(id in ids for id in fields[:-1]):
                said = fields[-1]
                for id in fields[:-1]:
                    said = said.replace(id, ids[id])
                named = ", ".join([*(ids[id] for id in fields[:-1]), f'"{said}"'])
                lines.append(f"{len(lines)} | {kind} -->> ({named})")
    return lines


Way = Callable[[list[Texts], Dictionary, Vectors], list[float]]
WAYS: dict[str, Way] = {
    "their loop": by_their_loop,
    "as published": by_annoengine_as_published,
    "default": by_annoengine,
}


def main() -> None:
    """Prints the means, the CPU seconds and the ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--nltk", action="store_true", help="ask the real WordNet")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) if options.nltk else None
        measure(make_texts(options.pairs, options.seed, place), options.rounds)


def measure(made: tuple[list[Texts], Dictionary, Vectors], rounds: int) -> None:
    """Measures each way, and prints the table."""
    means = {name: way(*made) for name, way in WAYS.items()}
    if not np.allclose(means["their loop"], means["as published"], atol=1e-9):
        raise SystemExit(f"the scores differ: {means['their loop']}, {means['as published']}")
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, way in WAYS.items():
            start = time.process_time()
            way(*made)
            seconds[name].append(time.process_time() - start)
    theirs = min(seconds["their loop"])
    print(f"{len(made[0])} pairs, the least of {rounds} rounds")
    print(f"{'':14}{'tag':>8}{'loc':>8}{'attr':>8}{'rel':>8}{'global':>8}{'CPU s':>9}{'faster':>8}")
    for name in WAYS:
        cells = "".join(f"{mean:8.4f}" for mean in means[name])
        least = min(seconds[name])
        print(f"{name:14}{cells}{least:9.3f}{theirs / least:7.1f}x")


if __name__ == "__main__":
    main()
