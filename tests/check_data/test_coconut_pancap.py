"""The recipe ``coconut_pancap`` over the real COCO panoptic sample, through the command line."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from annoengine.cli import app
from annoengine.grounded.known_segments import KnownSegment
from annoengine.grounded.mending import mend

pytestmark = pytest.mark.check_data


def test_every_tag_names_a_segment_of_its_category(coco_sample: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ["run", "coconut_pancap", "-w", str(run), "--set", "source.split=val"]
    for name, path in (
        ("images", "images"),
        ("annotations", "panoptic.json"),
        ("panoptic", "panoptic"),
    ):
        arguments += ["--input", f"{name}={coco_sample / path}"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    export = run / "export/coconut_pancap"
    made = json.loads((export / "panoptic_val2017.json").read_text())
    names = {row["id"]: row["name"] for row in made["categories"]}
    grounded = 0
    with tarfile.open(export / "caption_val2017.tar") as tar:
        captions = {}
        for member in tar.getmembers():
            file = tar.extractfile(member)
            assert file is not None
            captions[Path(member.name).stem] = file.read().decode()
    assert len(captions) == len(made["annotations"]) == 2
    for annotation in made["annotations"]:
        stem = Path(annotation["file_name"]).stem
        pixels = np.asarray(Image.open(export / "panoptic_val2017" / f"{stem}.png"))
        ids = np.unique(pixels[..., 0] if pixels.ndim == 3 else pixels)
        known = {
            row["id"]: KnownSegment(row["id"], names[row["category_id"]], bool(row["isthing"]))
            for row in annotation["segments_info"]
            if not row["iscrowd"]
        }
        assert set(known) <= set(ids.tolist())
        found = mend(captions[stem], known)
        assert found.right, found.judged.faults
        assert found.mends == ()
        assert found.write() == captions[stem]
        grounded += len(found.judged.mentioned)
    # Every segment that is no crowd.
    assert grounded == 17 + 30
