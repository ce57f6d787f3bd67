"""What the checks of captions take: rewriting by rules, ``check_text`` and ``check_facts``.

The captions are those of the hand-written table of the example photographs, two joined where they
are short, eight to a record; every fifth of them also names a mark, so that the rules have work.
Each stage's own function is called as in a worker of the CPU pool, in one process, over all
records before the next stage begins, on what the stage before it left. All that a run pays for is
paid: each record's line is read, its photograph and its masks are decoded anew in each stage that
looks at them, its captions are parsed in each stage that parses them. Loading spaCy, and its first
meeting with a word, are not counted::

    python -m tests.benchmarks.captions

Times are of the processor. On a machine that others use as well they come out too long: the least
of several rounds is the nearest to the truth.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence

from annoengine import mask
from annoengine.claims.testing import statements_of_record
from annoengine.language.parser import DEFAULT_MODEL, parser_of
from annoengine.mask import RecordFiles
from annoengine.record import Caption, Mark, Origin, Record
from annoengine.rewriting.faithful import LEAST_WORDS, MOST_WORDS
from annoengine.rewriting.faithful_record import Bounds, draft_captions
from annoengine.rewriting.rules import may_change
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

Work = tuple[RecordFiles, Record]

_BOUNDS = Bounds(LEAST_WORDS, MOST_WORDS, DEFAULT_MODEL, "off")


def captioned() -> Iterator[Work]:
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


def rephrase(files: RecordFiles, record: Record) -> Record:
    """What the stage leaves of a record, by rules."""
    if not may_change(record):
        return record
    drafts = draft_captions(files, record.to_line(), _BOUNDS).captions
    captions = [
        caption.but(text=caption.text if draft.faults else draft.text)
        for caption, draft in zip(record.captions, drafts, strict=True)
    ]
    return record.but(captions=tuple(captions))


def check_text(files: RecordFiles, record: Record) -> Record:
    """The record, whose captions were scored."""
    text_scores([(caption.segment, caption.text) for caption in record.captions])
    return record


def check_facts(files: RecordFiles, record: Record) -> Record:
    """The record, whose captions were tested."""
    statements_of_record(files, record.to_line())
    return record


STAGES: dict[str, Callable[[RecordFiles, Record], Record]] = {
    "rephrase by rules": rephrase,
    "check_text": check_text,
    "check_facts": check_facts,
}


def forget() -> None:
    """Leaves nothing decoded or parsed, as with a record that a worker has not met."""
    parser_of(DEFAULT_MODEL).forget()
    mask._kept_ids.cache_clear()


def spent(stage: Callable[[RecordFiles, Record], Record], works: Sequence[Work]) -> float:
    """CPU seconds of a stage over records."""
    total = 0.0
    for files, record in works:
        forget()
        began = time.process_time()
        stage(files, record)
        total += time.process_time() - began
    return total


def measure(rounds: int) -> dict[str, float]:
    """CPU milliseconds a caption of each stage, the least of the rounds, and captions a second."""
    works = list(captioned())
    count = sum(len(record.captions) for _, record in works)
    words = sum(len(caption.text.split()) for _, record in works for caption in record.captions)
    parser = parser_of(DEFAULT_MODEL)

    def parse(files: RecordFiles, record: Record) -> Record:
        parser.parse_all([caption.text for caption in record.captions])
        return record

    found: dict[str, float] = {}
    for name, stage in (*STAGES.items(), ("of that, parsing alone", parse)):
        # The first round fills tables that a run has filled as well.
        took = [spent(stage, works) for _ in range(rounds + 1)][1:]
        found[name] = min(took) * 1000 / count
        works = [(files, stage(files, record)) for files, record in works]
    found["words a caption"] = words / count
    found["captions a second and core"] = 1000 / sum(found[name] for name in STAGES)
    return found


def main() -> None:
    """Reads the options and measures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    for name, value in measure(parser.parse_args().rounds).items():
        unit = "" if "words" in name or "second" in name else " ms a caption"
        print(f"{name:28} {value:8.2f}{unit}")


if __name__ == "__main__":
    main()
