"""How often the check of captions is right about statements whose truth is known.

Statements labelled by people who looked, two further sets of them on which the check was not
developed (``tests.claims.label_table`` says how), and generated ones, each table on its own::

    python -m tests.benchmarks.facts
    python -m tests.benchmarks.facts --sample COCO_SAMPLE -v

``--sample`` names a folder with ``panoptic.json``, ``panoptic/`` and ``images/``: the statements
about COCO's images join in. ``-v`` lists every wrong verdict, ``--missed`` every false statement
that was not contradicted.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from annoengine.baseline.region_facts import measure_record
from annoengine.claims.caption_claim import Statement
from annoengine.claims.colour_evidence import PhotoColours
from annoengine.claims.testing import statements_of
from annoengine.language.parser import DEFAULT_MODEL, parser_of
from annoengine.mask import RecordFiles
from annoengine.record import Record
from annoengine.sources.coco_panoptic import CocoPanoptic, CocoPanopticParameters
from tests.claims.drawn_scenes import draw_folder
from tests.claims.label_table import COCO, EXAMPLES, SECOND, THIRD, Label, read_labels
from tests.claims.labels_generated import generate
from tests.claims.tally import Judged, Stray, judge, strays, table_of

PHOTOGRAPHS = Path(__file__).parents[2] / "examples" / "photographs"
SCENES = 12
"""How many drawn pictures the generated statements are about, beside the photographs."""


def records_of(folder: Path) -> dict[str, tuple[RecordFiles, Record]]:
    """The records of a folder in COCO's panoptic form with their files, by photograph."""
    inputs = {"images": folder / "images", "annotations": folder / "panoptic.json"}
    source = CocoPanoptic(CocoPanopticParameters(), inputs, 0)
    records = {}
    for entry in source.entries():
        opened = source.open(entry)
        if opened.record is None:
            raise ValueError(f"{folder}: {opened.record_id}: {opened.reason}: {opened.detail}")
        record = opened.record
        records[record.photo.file] = (source.files(record), record)
    return records


def check(
    files: RecordFiles, record: Record, captions: Sequence[tuple[int, str]]
) -> list[list[Statement]]:
    """What the check states about captions of a record, each given with its segment."""
    scene = measure_record(files, record)
    parsed = parser_of(DEFAULT_MODEL).parse_all([text for _, text in captions])
    segments = [segment for segment, _ in captions]
    colours = PhotoColours(files, record)
    return statements_of(scene, list(zip(parsed, segments, strict=True)), colours)


@dataclass(frozen=True)
class Outcome:
    """What the check said about the statements of a table, and what else it contradicted."""

    judged: tuple[Judged, ...]
    strays: tuple[Stray, ...] = ()

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.judged + other.judged, self.strays + other.strays)


def judge_labels(folder: Path, labels: Sequence[Label]) -> Outcome:
    """What the check says about each label of a folder's photographs; each caption read once."""
    records = records_of(folder)
    by_image: dict[str, dict[tuple[int, str], list[Label]]] = {}
    for label in labels:
        captions = by_image.setdefault(label.image, {})
        captions.setdefault((label.segment, label.caption), []).append(label)
    judged: list[Judged] = []
    beside: list[Stray] = []
    for image, captions in by_image.items():
        found = check(*records[image], list(captions))
        for said, statements in zip(captions.values(), found, strict=True):
            judged += [judge(label, statements) for label in said]
            beside += strays(said, statements)
    return Outcome(tuple(judged), tuple(beside))


def judge_by_hand(sample: Path | None = None) -> Outcome:
    """The hand-written tables: the examples' and, with COCO's sample, its own."""
    outcome = judge_labels(PHOTOGRAPHS, read_labels(EXAMPLES))
    return outcome + judge_labels(sample, read_labels(COCO)) if sample is not None else outcome


def judge_set(table: Path, sample: Path | None = None) -> Outcome:
    """A further hand-written set: what of it is about the examples, and about COCO's sample."""
    labels = read_labels(table)
    ours = {path.name for path in (PHOTOGRAPHS / "images").glob("*.jpg")}
    outcome = judge_labels(PHOTOGRAPHS, [label for label in labels if label.image in ours])
    if sample is None:
        return outcome
    return outcome + judge_labels(sample, [label for label in labels if label.image not in ours])


def judge_generated(folder: Path, seed: int = 1) -> Outcome:
    """Generated statements about the example photographs, and about scenes drawn into a folder."""
    scenes = draw_folder(folder / "scenes", SCENES, seed)
    outcome = judge_labels(PHOTOGRAPHS, generate(PHOTOGRAPHS, seed))
    return outcome + judge_labels(scenes, generate(scenes, seed, flat=True))


def told(one: Judged) -> str:
    """A judged label in two lines and one for each statement of the check."""
    label = one.label
    head = f"{label.image} {label.segment} {label.kind}: {label.truth}, said to be {one.verdict}"
    lines = [head, f"    {label.caption}", f"    words: {label.words}"]
    lines += [f"    {s.kind}: {s.says}: {s.truth}: {s.evidence}" for s in one.by]
    return "\n".join(lines)


def main() -> None:
    """Prints a table for each set of hand-written statements and one for the generated ones."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sample", type=Path, help="a folder of COCO's panoptic sample")
    parser.add_argument("-v", "--verbose", action="store_true", help="list every wrong verdict")
    parser.add_argument("--missed", action="store_true", help="list what is false and passed")
    parser.add_argument("--seed", type=int, default=1, help="of the generated statements")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        parts = {
            "by hand": judge_by_hand(options.sample),
            "by hand, the second set": judge_set(SECOND, options.sample),
            "by hand, the third set": judge_set(THIRD, options.sample),
            "generated": judge_generated(Path(folder), options.seed),
        }
    for name, outcome in parts.items():
        print(f"\n{name}: {len(outcome.judged)} statements\n{table_of(outcome.judged)}")
        print(f"contradicted beside the labelled words: {len(outcome.strays)}")
        for one in outcome.judged:
            missed = one.label.truth == "false" and one.verdict == "cannot tell"
            if (options.verbose and one.wrong) or (options.missed and missed):
                print("\n" + told(one))
        for stray in outcome.strays if options.verbose else ():
            print(f"\nbeside: {stray.image} {stray.segment}\n    {stray.caption}")
            print(f"    {stray.statement.says}: {stray.statement.evidence}")


if __name__ == "__main__":
    main()
