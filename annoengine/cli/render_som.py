"""``annoengine render-som``: images with their marks, as a run would draw them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from annoengine.cli.endings import interruptible

if TYPE_CHECKING:
    from annoengine.single_images import Marked

_SUFFIXES = (".png", ".jpg", ".jpeg")


@interruptible("the pictures drawn so far are kept; the same command draws all of them again")
def render_som(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Photographs, or folders of them.")
    ],
    annotations: Annotated[
        Path | None,
        typer.Option(
            "--annotations",
            "-a",
            help="COCO panoptic or instances JSON; COCONut's JSON or parquet. The image is found "
            "in it by its file name.",
        ),
    ] = None,
    panoptic: Annotated[
        Path | None,
        typer.Option(
            "--panoptic",
            help="The panoptic PNG of the image, or the PNGs' folder (default: beside the JSON).",
        ),
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option("--masks", help="A folder of mask PNGs: IMAGE/*.png or IMAGE_*.png in it."),
    ] = None,
    boxes: Annotated[
        Path | None, typer.Option("--boxes", help="Boxes as JSON or JSONL; no masks needed.")
    ] = None,
    segmenter: Annotated[
        str | None,
        typer.Option(
            "--segmenter",
            metavar="graph|sam:PATH",
            help="Who finds the regions where none are given: an embedded graph-based "
            "segmentation, or SAM from a local folder.",
        ),
    ] = None,
    style: Annotated[
        str, typer.Option("--style", help="How marks look: pix2cap, coconut, som, boxes.")
    ] = "pix2cap",
    names: Annotated[
        Literal["display", "raw"],
        typer.Option("--names", help="Categories as words, or as the dataset writes them."),
    ] = "display",
    model: Annotated[
        str,
        typer.Option(
            "--for", metavar="MODEL", help="Draw at the size that this model really sees."
        ),
    ] = "openai/gpt-4o",
    max_marks: Annotated[
        int | None,
        typer.Option("--max-marks", min=1, help="Split an image with more marks into several."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="A .png or .jpg file, or a folder. IMAGE.marked.png in this folder unless given.",
        ),
    ] = None,
    format: Annotated[
        Literal["png", "jpeg"] | None,
        typer.Option("--format", help="Of the pictures in a folder; png unless given."),
    ] = None,
    marks_json: Annotated[
        Path | None,
        typer.Option("--marks-json", help="Also write which number marks which segment, where."),
    ] = None,
) -> None:
    """Draw numbered marks (Set-of-Mark) on images.

    Segments come from an annotation file, a folder of masks, or boxes; with the image alone
    they are found in its pixels.
    """
    from annoengine.errors import InputError
    from annoengine.fingerprint import canonical_json
    from annoengine.single_images import Given, Marked, images_of, listed, mark_images
    from annoengine.som.style import find_style

    find_style(style)
    found = images_of(images)
    given = Given(annotations, panoptic, masks, boxes, segmenter)
    targets = _targets(found, output, format)
    suffix = targets[0].suffix.lower()
    settings = {
        "style": style,
        "names": names,
        "max_marks": max_marks,
        "encoder": "png" if suffix == ".png" else "jpeg",
    }
    listing, failed = [], 0
    for target, result in zip(targets, mark_images(found, given, settings, model), strict=True):
        if not isinstance(result, Marked):
            if len(found) == 1:
                raise InputError(result.why)
            typer.echo(f"annoengine: {result.why}", err=True)
            failed += 1
            continue
        files = _write(target, result)
        listing.append(listed(result, files))
        typer.echo(_told(target, result, files))
    if marks_json is not None:
        marks_json.parent.mkdir(parents=True, exist_ok=True)
        marks_json.write_bytes(canonical_json(listing) + b"\n")
        typer.echo(f"{marks_json}: {sum(len(image['marks']) for image in listing)} marks listed")
    if failed:
        raise InputError(f"{failed} of {len(found)} images could not be marked, as said above")


def _targets(
    images: Sequence[Path], output: Path | None, format: Literal["png", "jpeg"] | None
) -> list[Path]:
    """Where each image's picture goes. Raises InputError for a file that cannot hold it."""
    from annoengine.errors import InputError

    if output is not None and output.suffix and not output.is_dir():
        suffix = output.suffix.lower()
        if suffix not in _SUFFIXES:
            raise InputError(f"--output {output}: only .png and .jpg files can be written")
        if format is not None and (format == "png") != (suffix == ".png"):
            raise InputError(f"--output {output} is no {format} file; leave --format out")
        if len(images) > 1:
            raise InputError(
                f"--output {output} is one file for {len(images)} images; name a folder"
            )
        targets = [output]
    else:
        folder, ending = output or Path(), "jpg" if format == "jpeg" else "png"
        targets = [folder / f"{image.stem}.marked.{ending}" for image in images]
    for image, target in zip(images, targets, strict=True):
        if target.exists() and target.samefile(image):
            raise InputError(f"--output {target} is the image itself; name another file")
    if len(set(targets)) < len(targets):
        raise InputError("two of the images have one name; mark them one at a time")
    return targets


def _write(target: Path, marked: Marked) -> list[Path]:
    """Writes an image's pictures: the target, then ``NAME-2`` …; gives their files."""
    target.parent.mkdir(parents=True, exist_ok=True)
    files = []
    for number, picture in enumerate(marked.pictures, start=1):
        file = target if number == 1 else target.with_stem(f"{target.stem}-{number}")
        file.write_bytes(picture.data)
        files.append(file)
    return files


def _told(target: Path, marked: Marked, files: Sequence[Path]) -> str:
    """One line about what was drawn, and how."""
    from annoengine.registry import find

    if not files:
        return f"{target} was not written: {marked.image} has no segment that can be marked"
    marks = [mark for picture in marked.pictures for mark in picture.marks]
    beside = sum(mark.leader_xyxy is not None for mark in marks)
    unread = sum(not mark.legible for mark in marks)
    first = marked.pictures[0]
    text = f"{target}: {len(marks)} mark{'' if len(marks) == 1 else 's'}"
    notes = [f"{beside} beside their segment"] if beside else []
    if unread:
        notes.append(f"{unread} too small or covered: try --max-marks")
    if notes:
        text += f" ({', '.join(notes)})"
    text += f", {first.width} × {first.height} pixels"
    if len(files) > 1:
        text += f", and {len(files) - 1} more picture{'s' if len(files) > 2 else ''}"
    if marked.source == "images":
        about = [find("segmenter", s.source).ABOUT for s in marked.record.segments[:1]]
        text += f"; no masks were given: regions found by {about[0]}" if about else ""
    return text
