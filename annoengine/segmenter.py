"""A segmenter: finds regions in a photograph that nobody drew. Kinds: ``annoengine/segmenters/``.

It says where regions are and never what they are. The same pixels and settings give the same
regions. A segmenter is a small picklable value: what is heavy (a model) is loaded when the first
photograph is looked at, once in each process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field, ValidationError

from annoengine import registry
from annoengine.errors import RecipeError
from annoengine.mask import Mask
from annoengine.photo import ImageRgb
from annoengine.requirement import Requirement
from annoengine.stage import Parameters

MAX_REGIONS = 25
"""As many marks as can still be read on one picture: on one with 63 of them the labels of the
COCONut-PanCap prompt cover each other. Source: arXiv 2502.02589, figure of the prompt."""


@dataclass(frozen=True)
class Found:
    """One region: bool (height, width), True on it, and how sure the segmenter is, 0 to 1."""

    mask: Mask
    score: float | None = None


class SegmenterParameters(Parameters):
    """The settings that every segmenter has."""

    max_regions: int = Field(default=MAX_REGIONS, ge=1)
    """The most regions of one photograph."""


class Segmenter:
    """The base of every segmenter. ``where`` is what follows the colon in ``sam:PATH``."""

    VERSION: ClassVar[int] = 1
    """Goes up with any change that may move a region."""
    ABOUT: ClassVar[str] = ""
    """What it is, in a few words."""
    WHERE: ClassVar[str] = ""
    """What has to follow the colon; empty for a segmenter that takes nothing there."""
    Parameters: ClassVar[type[SegmenterParameters]] = SegmenterParameters

    def __init__(self, name: str, where: str, parameters: Any) -> None:
        self.name = name
        self.where = where
        self.parameters = parameters

    def check(self) -> None:
        """Raises SettingError for an extra, InputError for a file that is missing."""

    def requirements(self) -> Sequence[Requirement]:
        """What it needs from the machine: extra packages, say."""
        return ()

    def fingerprint(self) -> Mapping[str, Any]:
        """All that its regions depend on besides the photograph: content, never a path."""
        return {
            "segmenter": self.name,
            "version": self.VERSION,
            "parameters": self.parameters.model_dump(mode="json"),
        }

    def regions(self, photo: ImageRgb) -> Iterator[Found]:
        """The regions, the largest first. They may overlap, and may leave pixels out.

        They come one at a time: 25 masks of a picture of 40 megapixels would fill a gigabyte.
        """
        raise NotImplementedError


def find_segmenter(
    spec: str, max_regions: int = MAX_REGIONS, options: Mapping[str, Any] | None = None
) -> Segmenter:
    """The segmenter of ``graph`` or ``sam:PATH``, with the settings of that kind.

    Raises RecipeError: "no segmenter called 'grapf'. Did you mean 'graph'?"
    """
    name, colon, where = spec.partition(":")
    kind = registry.find("segmenter", name)
    if kind.WHERE and not where:
        raise RecipeError(f"the segmenter {spec!r} lacks {kind.WHERE}: write {name}:PATH")
    if colon and not kind.WHERE:
        raise RecipeError(f"the segmenter {name!r} takes nothing after a colon (got {spec!r})")
    found: Segmenter = kind(name, where, _parameters(kind, name, max_regions, options or {}))
    return found


def _parameters(kind: Any, name: str, max_regions: int, options: Mapping[str, Any]) -> Any:
    known = [field for field in kind.Parameters.model_fields if field != "max_regions"]
    for option in options:
        if option not in known:
            raise RecipeError(
                f"the segmenter {name!r} has no option {option!r}."
                f"{registry.did_you_mean(str(option), known)}"
            )
    try:
        return kind.Parameters(max_regions=max_regions, **options)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise RecipeError(
            f"the segmenter {name!r}: {'.'.join(map(str, first['loc']))}: {first['msg']} "
            f"(got {first['input']!r})"
        ) from None
