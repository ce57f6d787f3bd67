"""Published captions of SA-Pancap (arXiv 2505.16334), labelled sentence by sentence by reading."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from annoengine.text_faults.hedging import hedge_share
from annoengine.text_faults.sentences import sentences_in
from annoengine.text_faults.task_talk import leaks_task
from annoengine.text_faults.text_scores import faults_of

pytestmark = pytest.mark.check_data

# By the beginnings of the sentences; of each caption all that hedge.
HEDGED = {
    "sa_1931": ("The lighting is bright, suggesting", "The light source appears"),
    "sa_6504": (
        "The environment appears",
        "The overall lighting seems",
        "There are no distinct shadows, suggesting",
    ),
    "sa_19063": (
        "The field, which covers",
        "The lighting is bright, suggesting",
        "She carries a large brown woven basket",
        "She is bent over, suggesting",
        "The plants are predominantly green, suggesting",
        "In the upper part of the image, there is",
    ),
    "sa_122262": (
        "The comb's surface appears",
        "- **Dark Surface**",
        "The material has a dark hue, possibly",
        "It looks like",
        "The lighting in the image appears",
        "This may indicate",
        "There are no strong shadows, suggesting",
    ),
}


@pytest.fixture
def captions(coco_sample: Path) -> dict[str, str]:
    """The four captions, by the name of their image."""
    listed = json.loads((coco_sample.parent / "sa_pancap_captions.json").read_text())
    return {Path(entry["image_path"]).stem: entry["gt_response"] for entry in listed}


def test_the_sentences_that_hedge_are_found_and_no_others(captions: dict[str, str]) -> None:
    assert captions.keys() == HEDGED.keys()
    for name, text in captions.items():
        # Without their boxes, whose commas cut statements.
        plain = re.sub(r" ?\(?(?:bounding box: )?\[\[.*?\]\]\)?", "", text)
        found = [one for one in sentences_in(plain) if hedge_share(one)]
        unexpected = [one for one in found if not one.startswith(HEDGED[name])]
        missing = [head for head in HEDGED[name] if not any(o.startswith(head) for o in found)]
        assert (unexpected, missing) == ([], [])


def test_they_tell_boxes_and_have_no_other_fault(captions: dict[str, str]) -> None:
    for text in captions.values():
        faults = faults_of(text)
        assert leaks_task(text)
        assert faults["text.refusal"] == faults["text.language"] == faults["text.incomplete"] == 0
        assert faults["text.repetition"] < 0.2
        assert 0 < faults["text.hedge"] < 0.5
        assert 180 < faults["text.words"] < 360
