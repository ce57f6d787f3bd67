"""``annoengine render-som``: the marked picture of single images, as the run would draw it.

It goes through the same source and the same stage as a run, so that what is seen here is what a
model will see there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annoengine.record import Record
    from annoengine.som.draw import DrawnPicture
    from annoengine.source import Entry, Source


def render_som(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Photographs to mark.")],
    panoptic: Annotated[
        Path | None,
        typer.Option("--panoptic", help="The panoptic PNG of the image, or the PNGs' folder."),
    ] = None,
    annotations: Annotated[
        Path | None,
        typer.Option("--annotations", help="The COCO panoptic JSON that describes the PNG."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Where to write: a .png or .jpg file, or a folder for several images. "
            "IMAGE.marked.png in this folder unless given.",
        ),
    ] = None,
    style: Annotated[str, typer.Option("--style", help="How marks look.")] = "pix2cap",
    model: Annotated[
        str,
        typer.Option(
            "--for", metavar="MODEL", help="Draw at the size that this model really sees."
        ),
    ] = "openai/gpt-4o",
    marks_json: Annotated[
        Path | None,
        typer.Option("--marks-json", help="Also write which number marks which segment."),
    ] = None,
) -> None:
    """Draw numbered marks on images that have panoptic masks."""
    from annoengine.errors import InputError
    from annoengine.fingerprint import canonical_json

    if annotations is None or panoptic is None:
        missing = "--annotations" if annotations is None else "--panoptic"
        raise InputError(
            f"{missing} is missing: marks need masks. Give the panoptic PNG (or the PNGs' folder) "
            "with --panoptic and the COCO panoptic JSON with --annotations"
        )
    for image in images:
        if not image.is_file():
            raise InputError(f"there is no image {image}")
    targets = _outputs(images, output)
    if panoptic.is_file() and len(images) > 1:
        raise InputError(
            f"--panoptic {panoptic} is one PNG for {len(images)} images; give the folder"
        )
    entries = _entries(images, annotations)
    listing = []
    for image, target in zip(images, targets, strict=True):
        source = _source(image, panoptic, annotations)
        record = _record(source, entries[image], image, panoptic)
        drawn = _draw(source, record, style, model, target.suffix.lower())
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(drawn.data)
        leaders = sum(mark.leader_xyxy is not None for mark in drawn.marks)
        typer.echo(
            f"{target}: {len(drawn.marks)} marks ({leaders} beside their segment), "
            f"{drawn.width} × {drawn.height} pixels"
        )
        listing.append(_listed(image, record, drawn))
    if marks_json is not None:
        marks_json.parent.mkdir(parents=True, exist_ok=True)
        marks_json.write_bytes(canonical_json(listing) + b"\n")
        typer.echo(f"{marks_json}: {sum(len(image['marks']) for image in listing)} marks listed")


def _outputs(images: Sequence[Path], output: Path | None) -> list[Path]:
    """Where each image's picture goes. Raises InputError for a file that cannot hold it."""
    from annoengine.errors import InputError

    if output is not None and output.suffix and not output.is_dir():
        if output.suffix.lower() not in (".png", ".jpg", ".jpeg"):
            raise InputError(f"--output {output}: only .png and .jpg files can be written")
        if len(images) > 1:
            raise InputError(
                f"--output {output} is one file for {len(images)} images; name a folder"
            )
        targets = [output]
    else:
        folder = output or Path()
        targets = [folder / f"{image.stem}.marked.png" for image in images]
    for image, target in zip(images, targets, strict=True):
        if target.exists() and target.samefile(image):
            raise InputError(f"--output {target} is the image itself; name another file")
    if len(set(targets)) < len(targets):
        raise InputError("two of the images have one name; mark them one at a time")
    return targets


def _entries(images: Sequence[Path], annotations: Path) -> dict[Path, Entry]:
    """The annotation entry of each image, found by its file name."""
    from pathlib import PurePosixPath

    from annoengine.coco_json import items
    from annoengine.errors import InputError
    from annoengine.registry import did_you_mean

    if not annotations.is_file():
        raise InputError(f"--annotations {annotations}: there is no such file")
    wanted = {image.name for image in images}
    ids: dict[str, str] = {}
    names: list[str] = []
    for entry in items(annotations, "images"):
        name = entry.get("file_name") if isinstance(entry, dict) else None
        if isinstance(name, str):
            base = PurePosixPath(name).name
            names.append(base)
            if base in wanted:
                ids[base] = str(entry.get("id"))
    for image in images:
        if image.name not in ids:
            near = did_you_mean(image.name, names) if len(names) <= 10_000 else ""
            raise InputError(
                f"{annotations} has no image with the file name {image.name!r} "
                f"(among {len(names)}).{near if 'Did you' in near else ''}"
            )
    source = _source(images[0], None, annotations)
    by_id = {image_id: name for name, image_id in ids.items()}
    found: dict[str, Entry] = {}
    for entry in source.entries():
        name = by_id.get(entry["record_id"].split("/", 2)[2])
        if name is not None:
            found[name] = entry
            if len(found) == len(by_id):
                break
    return {image: found[image.name] for image in images}


def _source(image: Path, panoptic: Path | None, annotations: Path) -> Source:
    from annoengine.registry import find

    kind = find("source", "coco_panoptic")
    inputs = {"images": image.parent, "annotations": annotations}
    if panoptic is not None:
        inputs["panoptic"] = panoptic if panoptic.is_dir() else panoptic.parent
    source: Source = kind(kind.Parameters(), inputs, 0)
    return source


def _record(source: Source, entry: Entry, image: Path, panoptic: Path) -> Record:
    """The image's record, its PNG compared with the JSON. Raises InputError."""
    from annoengine.errors import InputError

    if not panoptic.exists():
        raise InputError(f"--panoptic {panoptic}: there is no such file or folder")
    if "image" in entry:
        entry = {**entry, "image": {**entry["image"], "file_name": image.name}}
        if panoptic.is_file():
            entry["png"] = panoptic.name
    opened = source.open(entry)
    if opened.record is None:
        raise InputError(f"{image}: {opened.detail}")
    return opened.record


def _draw(source: Source, record: Record, style: str, model: str, suffix: str) -> DrawnPicture:
    """The picture that the stage ``mark`` draws of a record. Raises InputError."""
    from annoengine.errors import InputError, RecordFailed
    from annoengine.registry import find
    from annoengine.som.draw import draw_marks
    from annoengine.som.style import find_style
    from annoengine.stage import Setup

    find_style(style)
    kind = find("stage", "mark")
    parameters = kind.Parameters(style=style, encoder="png" if suffix == ".png" else "jpeg")
    stage = kind(parameters, Setup("render-som", 0, _no_prompt, {"annotator": model}))
    try:
        return draw_marks(source.files(record), stage.commission(record))
    except RecordFailed as failure:
        raise InputError(failure.detail) from None


def _no_prompt(name: str) -> Any:
    raise LookupError(f"no prompt {name!r} is at hand")


def _listed(image: Path, record: Record, drawn: DrawnPicture) -> dict[str, Any]:
    """An image's marks for ``--marks-json``."""
    return {
        "image": image.name,
        "picture_wh": [drawn.width, drawn.height],
        "scale": drawn.scale,
        "seen_wh": list(drawn.seen_wh),
        "marks": [
            {
                "mark": mark.number,
                "segment": mark.segment,
                "category": record.segment(mark.segment).category.name,
                "label_box_xyxy": list(mark.label_box_xyxy),
                "anchor_xy": list(mark.anchor_xy),
                "leader_xyxy": list(mark.leader_xyxy) if mark.leader_xyxy else None,
                "colour": mark.colour,
                "text_px": mark.text_px,
                "legible": mark.legible,
            }
            for mark in drawn.marks
        ],
    }
