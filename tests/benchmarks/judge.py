"""How often the embedded judge answers as a person did, over a table of hand-answered pairs.

Once from contents that were written by hand, which tests the judge alone, and once from what the
embedded extractor reads from the captions, which tests both. Entities are matched by their boxes::

    python -m tests.benchmarks.judge
    python -m tests.benchmarks.judge --wordnet auto -v

The rules were mended with this table at hand, so its figures are an upper bound. Of the pairs about
the last two scenes, asked before anything was mended for them, 51 of 58 came out right from the
contents written by hand and 40 of 58 from the captions.

``-v`` lists every question that was answered otherwise.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter

from annoengine.pancap.content import Content
from annoengine.pancap.embedded_extractor import extract
from annoengine.pancap.embedded_judge import EmbeddedJudge
from tests.pancap.judge_table import Pair, read_pairs, read_scenes


def ids_by_box(written: Content, extracted: Content) -> dict[int, int]:
    """The extracted entity that has the box of a written one; 0 where none has."""
    holder = {place.box: place.entity for place in reversed(extracted.locations)}
    return {place.entity: holder.get(place.box, 0) for place in written.locations}


def renamed(question: str, ids: dict[int, int]) -> str:
    """A question with other numbers for its entities."""
    return re.sub(r"\bentity (\d+)", lambda m: f"entity {ids.get(int(m[1]), 0)}", question)


def answers(wordnet: str, from_captions: bool) -> list[tuple[Pair, tuple[bool, bool]]]:
    """Every pair with what the judge says."""
    judges: dict[str, tuple[EmbeddedJudge, dict[int, int]]] = {}
    for name, scene in read_scenes().items():
        content = extract(scene.caption).content if from_captions else scene.content
        judges[name] = (EmbeddedJudge(content, wordnet), ids_by_box(scene.content, content))
    found = []
    for pair in read_pairs():
        judge, ids = judges[pair.scene]
        first, second = (judge.answer(renamed(text, ids)) for text in pair.questions)
        found.append((pair, (first, second)))
    return found


def main() -> None:
    """Prints agreement by kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wordnet", default="off")
    parser.add_argument("-v", action="store_true", dest="verbose")
    chosen = parser.parse_args()
    for from_captions in (False, True):
        source = "extracted from the captions" if from_captions else "written by hand"
        right: Counter[str] = Counter()
        pairs: Counter[str] = Counter()
        alone: Counter[str] = Counter()
        wrong = []
        for pair, said in answers(chosen.wordnet, from_captions):
            for kind in (pair.kind, "all"):
                alone[kind] += 1
                pairs[kind] += said == pair.answers
                right[kind] += sum(a == b for a, b in zip(said, pair.answers, strict=True))
            wrong += [
                f"  {pair.scene}: {text} said {'Yes' if a else 'No'}"
                for text, a, b in zip(pair.questions, said, pair.answers, strict=True)
                if a != b
            ]
        print(f"Contents {source}, WordNet {chosen.wordnet}:")
        for kind in ("attribute", "relation", "global", "all"):
            n = alone[kind]
            print(
                f"  {kind:9} {right[kind]:3} of {2 * n:3} answers ({right[kind] / 2 / n:.1%}), "
                f"{pairs[kind]:3} of {n:3} pairs ({pairs[kind] / n:.1%})"
            )
        if chosen.verbose:
            print("\n".join(wrong))


if __name__ == "__main__":
    main()
