"""The run that the tests of Pix2Cap-COCO files begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from annoengine.mask import RecordFiles, write_panoptic_png
from annoengine.record import Gap, Record, Relation, Score
from tests.exporters.pix2cap_files import ORIGIN, caption
from tests.exporters.runs import Run
from tests.tiny_coco import TinyCoco, id_map


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Four images of one dataset in two splits.

    Image 1 has all its captions but that of its crowd; image 2 has no crowd and all captions;
    image 3 lacks the person's; image 4, of the other split, has a caption that is too short.
    """
    given: list[Record] = []
    where: dict[str, RecordFiles] = {}
    for split, numbers in (("train", (1, 2, 3)), ("val", (4,))):
        tiny = TinyCoco(tmp_path / split, n=4, name=f"panoptic_{split}2017")
        ids = id_map()
        ids[ids == 70000] = 0
        write_panoptic_png(tiny.masks / "0002.png", ids)
        del tiny.data["annotations"][1]["segments_info"][2]
        tiny.write()
        source = tiny.source()
        for number, entry in enumerate(source.entries(), start=1):
            if number in numbers:
                record = source.open(entry).record
                assert record is not None
                where[record.id] = source.files(record)
                given.append(record)
    one, two, three, four = given
    relation = Relation(segments=(7, 300), text="The person looks at the sky.", origin=ORIGIN)
    sky = caption(300, "A clear sky, as blue as Köln's.")
    given = [
        one.but(
            captions=(caption(7, 'A man says "hello".'), sky),
            relations=(relation,),
            scores=(
                Score(name="clip", value=0.25, by="score_clip", segment=7),
                Score(name="clip", value=0.5, by="score_clip", segment=300),
            ),
        ),
        two.but(captions=(sky, caption(7, "A woman with a 狗."), caption(7, "A second one."))),
        three.but(
            captions=(sky,),
            gaps=(Gap(segment=7, reason="refusal", detail="I cannot.", stage="annotate"),),
        ),
        four.but(captions=(sky, caption(7, " ox "))),
    ]
    return Run(given, where)
