"""The table of hand-answered question pairs, the captions and the contents that they are about."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from annoengine.pancap.content import Content
from annoengine.pancap.content_lines import parse_content

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Scene:
    """A caption and its content, both written by hand."""

    caption: str
    content: Content


@dataclass(frozen=True)
class Pair:
    """Two questions about a scene, each with the answer that a person gave; True: yes."""

    scene: str
    kind: str
    questions: tuple[str, str]
    answers: tuple[bool, bool]


@cache
def read_scenes() -> dict[str, Scene]:
    """The scenes by name."""
    scenes = {}
    for part in re.split(r"^== ", (HERE / "judge_captions.txt").read_text("utf-8"), flags=re.M)[1:]:
        name, rest = part.split("\n", 1)
        at = re.search(r"^1 \| entity", rest, re.M)
        assert at is not None, name
        parsed = parse_content(rest[at.start() :])
        assert not parsed.faults, (name, parsed.faults)
        scenes[name] = Scene(rest[: at.start()].strip(), parsed.content)
    return scenes


def read_pairs() -> list[Pair]:
    """The pairs in the order of the table."""
    pairs = []
    with (HERE / "judge_pairs.tsv").open(encoding="utf-8", newline="") as file:
        for scene, kind, first, one, second, other in list(csv.reader(file, delimiter="\t"))[1:]:
            assert {one, other} <= {"Yes", "No"}, first
            answers = (one == "Yes", other == "Yes")
            pairs.append(Pair(scene, kind, (first, second), answers))
    return pairs
