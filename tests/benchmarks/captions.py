"""What the checks of captions take: rewriting by rules, ``check_text`` and ``check_facts``.

The captions are those of the hand-written table of the example photographs, two joined where they
are short, eight to a record; every fifth of them also names a mark, so that the rules have work.
Each stage's own function is called as in a worker of the CPU pool, in one process. Reading the
photograph and the masks and parsing the captions count; loading spaCy, and its first meeting with
a word, do not::

    python -m tests.benchmarks.captions
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from annoengine.claims.testing import statements_of_record
from annoengine.language.parser import DEFAULT_MODEL, parser_of
from annoengine.mask import RecordFiles
from annoengine.record import Caption, Mark, Origin, Record
from annoengine.rewriting.faithful import LEAST_WORDS, MOST_WORDS
from annoengine.rewriting.faithful_record import Bounds, draft_captions
from annoengine.text_faults.text_scores import text_scores
from tests.benchmarks.facts import PHOTOGRAPHS, records_of
from tests.claims.label_table import EXAMPLES, read_labels

A_RECORD = 8
"""Captions of a record; Pix2Cap-COCO has 8.14 an image (arXiv 2501.13893, Table 1)."""

WORDS = 18
"""Shorter ones are joined with the next of their segment: then they have about 23 words in the
mean, as those of Pix2Cap-COCO (22.9)."""

NAMES_A_MARK = 5
"""Every so manieth caption does."""


def captioned() -> Iterator[tuple[RecordFiles, Record]]:
    """The records with their captions and marks."""
    by_image: dict[str, dict[tuple[int, str], None]] = {}
    for label in read_labels(EXAMPLES):
        by_image.setdefault(label.image, {})[(label.segment, label.caption)] = None
    origin = Origin(stage="annotate", model="hand")
    for image, (files, record) in records_of(PHOTOGRAPHS).items():
        marks = tuple(
            Mark(
                number=number,
                segment=segment.id,
                text=str(number),
                anchor_xy=(5.0, 5.0),
                label_box_xyxy=(0, 0, 10, 10),
                colour="#ff0000",
                text_px=14,
            )
            for number, segment in enumerate(record.segments, start=1)
        )
        said: list[Caption] = []
        for segment, text in by_image.get(image, ()):
            if said and len(said[-1].text.split()) < WORDS and said[-1].segment == segment:
                said[-1] = said[-1].but(text=f"{said[-1].text} {text}")
            else:
                said.append(Caption(text=text, segment=segment, origin=origin))
        for number in range(0, len(said), NAMES_A_MARK):
            plant = f" It is next to object {number % len(marks) + 1}."
            said[number] = said[number].but(text=said[number].text + plant)
        for first in range(0, len(said), A_RECORD):
            captions = tuple(said[first : first + A_RECORD])
            yield files, record.but(marks=marks, captions=captions)


def measure(rounds: int) -> dict[str, float]:
    """CPU milliseconds a caption of each stage, medians of the rounds, and captions a second."""
    records = list(captioned())
    count = sum(len(record.captions) for _, record in records)
    lines = [(files, record, record.to_line()) for files, record in records]
    bounds = Bounds(LEAST_WORDS, MOST_WORDS, DEFAULT_MODEL, "off")
    stages: dict[str, Callable[[RecordFiles, Record, bytes], Any]] = {
        "rephrase by rules": lambda files, record, line: draft_captions(files, line, bounds),
        "check_text": lambda files, record, line: text_scores(
            [(caption.segment, caption.text) for caption in record.captions]
        ),
        "check_facts": lambda files, record, line: statements_of_record(files, line),
    }
    spent: dict[str, list[float]] = {name: [] for name in stages}
    for number in range(rounds + 1):
        parser_of(DEFAULT_MODEL).forget()
        for name, work in stages.items():
            began = time.process_time()
            for files, record, line in lines:
                work(files, record, line)
            if number:  # the first round fills caches that a run has filled as well
                spent[name].append((time.process_time() - began) * 1000 / count)
    found = {name: statistics.median(values) for name, values in spent.items()}
    parser = parser_of(DEFAULT_MODEL)
    parser.forget()
    began = time.process_time()
    for _, record in records:
        parser.parse_all([caption.text for caption in record.captions])
    found["of that, parsing alone"] = (time.process_time() - began) * 1000 / count
    words = sum(len(c.text.split()) for _, record in records for c in record.captions)
    found["words a caption"] = words / count
    found["captions a second and core"] = 1000 / sum(found[name] for name in stages)
    return found


def main() -> None:
    """Reads the options and measures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    for name, value in measure(parser.parse_args().rounds).items():
        unit = "" if "words" in name or "second" in name else " ms a caption"
        print(f"{name:28} {value:8.2f}{unit}")


if __name__ == "__main__":
    main()
