"""Finds regions with Segment Anything: a model in a local folder, run by transformers.

Masks are generated automatically: the model is asked what lies under each point of a grid, and
what it is sure of, and what is unlike the rest, stays. Sources: arXiv 2304.02643, appendix B;
facebookresearch/segment-anything, automatic_mask_generator.py. Deviations: the choice is made on
the model's grid of 256 × 256 instead of the photograph's pixels, so that memory does not grow
with the photograph; the masks are compared, not their boxes; there are no crops.

Pictures are prepared here and not by transformers' image processor, which for SAM 2 needs
torchvision. Nothing is ever downloaded.
"""

from __future__ import annotations

import functools
import importlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from annoengine.errors import InputError, SettingError
from annoengine.fingerprint import fingerprint, sha256_of_file
from annoengine.mask_choice import cleaned, largest, stability, unlike
from annoengine.photo import ImageRgb
from annoengine.requirement import Requirement, extra
from annoengine.segmenter import Found, Segmenter, SegmenterParameters

_INSTALL = "pip install 'annoengine[sam]'"
_WEIGHTS = (".safetensors", ".bin")
_CONFIGS = ("config.json", "preprocessor_config.json", "processor_config.json")

_FRAMED = ("sam", "sam_hq")
"""Model types that see the photograph whole in the corner of a square frame; the others (SAM 2
and later) see it stretched to the square. Source: transformers, image processors of each."""

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What SAM and SAM 2 were trained with. Source: transformers, image_utils.py."""


class SamParameters(SegmenterParameters):
    """How the grid is laid, and how sure the model has to be."""

    points_per_side: int = Field(default=32, ge=1)
    """The grid asks about this many points squared. Source: arXiv 2304.02643, appendix B."""
    points_per_batch: int = Field(default=64, ge=1)
    """Points asked about at once: more is faster, and needs more memory."""
    least_iou: float = Field(default=0.88, ge=0, le=1)
    """How good the model has to think a mask. Source: arXiv 2304.02643, appendix B."""
    least_stability: float = Field(default=0.95, ge=0, le=1)
    """How little a mask may change with its threshold. Source: arXiv 2304.02643, appendix B."""
    stability_offset: float = Field(default=1.0, gt=0)
    """By how much the threshold moves for that."""
    most_overlap: float = Field(default=0.7, ge=0, le=1)
    """Of two masks with a greater IoU the less sure one goes."""
    least_area: float = Field(default=0.002, ge=0, lt=1)
    """Regions, islands and holes below this share of the photograph go."""
    device: str = "auto"
    """``cuda``, ``cpu``, ``cuda:1`` …; auto takes a GPU where there is one."""
    dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    """The numbers that the model computes with."""
    threads: int = Field(default=1, ge=1)
    """Threads of one process on the CPU. The run's workers are many already; with another number
    a mask may differ by a pixel."""


@dataclass(frozen=True)
class _Model:
    """A loaded model and how it sees: the frame's side, and the colours' mean and deviation."""

    module: Any
    torch: Any
    device: str
    kind: str
    side: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class _Frame:
    """A prepared photograph: float32 (1, 3, side, side), and the part of it that it fills."""

    pixels: NDArray[np.float32]
    filled_wh: tuple[int, int]


class Sam(Segmenter):
    """Segment Anything from a folder that ``save_pretrained`` wrote: SAM, SAM-HQ, SAM 2."""

    VERSION: ClassVar[int] = 1
    ABOUT: ClassVar[str] = "Segment Anything, a model from a local folder"
    WHERE: ClassVar[str] = "the folder with the model"
    Parameters: ClassVar[type[SegmenterParameters]] = SamParameters
    parameters: SamParameters

    @property
    def _folder(self) -> Path:
        return Path(self.where).expanduser().absolute()

    def requirements(self) -> Sequence[Requirement]:
        """The extra ``sam``."""
        return (extra("sam", "torch", "transformers"),)

    def check(self) -> None:
        """Raises SettingError where the extra is missing, InputError where the model is."""
        if not self.requirements()[0].met:
            raise SettingError(
                f"SAM needs torch and transformers, which are not installed: {_INSTALL}"
            )
        folder = self._folder
        if not folder.is_dir():
            raise InputError(
                f"there is no folder {folder} with a SAM model; give one that save_pretrained "
                "wrote, as sam:PATH"
            )
        if not (folder / "config.json").is_file():
            raise InputError(f"{folder} is no model that save_pretrained wrote: no config.json")
        if not _weights(folder):
            raise InputError(f"{folder} has no weights ({', '.join('*' + s for s in _WEIGHTS)})")

    def fingerprint(self) -> Mapping[str, Any]:
        """Settings that may move a region, and the content of the model's files."""
        self.check()
        harmless = {"device", "points_per_batch", "threads"}
        return {
            "segmenter": self.name,
            "version": self.VERSION,
            "parameters": self.parameters.model_dump(mode="json", exclude=harmless),
            "model": _content(self._folder),
        }

    def regions(self, photo: ImageRgb) -> Iterator[Found]:
        """The regions, the largest on the model's grid first; they may overlap.

        Raises SettingError and InputError where the model cannot be loaded.
        """
        p = self.parameters
        self.check()
        model = self._model()
        frame = _framed(photo, model)
        logits, scores, cells_hw = self._proposed(model, frame)
        least_cells = p.least_area * logits.shape[1] * logits.shape[2]
        kept = unlike(logits, scores, p.most_overlap)
        masks = [cleaned(logits[k], least_cells) for k in kept]
        areas = np.array([int((mask > 0).sum()) for mask in masks], dtype=np.int64)
        for k in largest(areas, p.max_regions):
            if areas[k] < least_cells:
                break
            whole = _at_photo(masks[k], cells_hw, frame, model, photo.shape[:2])
            # The model guesses an IoU, and may guess more than 1.
            yield Found(whole, round(min(1.0, max(0.0, float(scores[kept[k]]))), 4))

    def _model(self) -> _Model:
        p, folder = self.parameters, self._folder
        return _load(folder, _stamps(folder), p.device, p.dtype, p.threads)

    def _proposed(
        self, model: _Model, frame: _Frame
    ) -> tuple[NDArray[np.float16], NDArray[np.float32], tuple[int, int]]:
        """The sure masks of all points, cut to what the photograph fills, and their scores;
        and how many cells the model's grid has."""
        p = self.parameters
        points = _grid(p.points_per_side, frame.filled_wh)
        masks: list[NDArray[np.float16]] = []
        scores: list[NDArray[np.float32]] = []
        cells_hw = (0, 0)
        for logits, iou in _asked(model, frame, points, p.points_per_batch):
            cells_hw = logits.shape[1:]
            rows, columns = (
                max(1, math.ceil(n * filled / model.side))
                for n, filled in zip(cells_hw, frame.filled_wh[::-1], strict=True)
            )
            cut = logits[:, :rows, :columns]
            sure = (iou >= p.least_iou) & (stability(cut, p.stability_offset) >= p.least_stability)
            # Half the memory; its sign, which is the mask, is kept.
            masks.append(np.clip(cut[sure], -1e4, 1e4).astype(np.float16))
            scores.append(iou[sure])
        return np.concatenate(masks), np.concatenate(scores), cells_hw


def _weights(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.name.endswith(_WEIGHTS) and p.is_file())


def _stamps(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """The model's files by name, size and time of change: when to read them anew."""
    files = [folder / name for name in _CONFIGS if (folder / name).is_file()] + _weights(folder)
    return tuple((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in files)


def _content(folder: Path) -> str:
    """A hash of the model's files. Each is read once, as long as it stays as it is."""
    hashes = [[name, _hashed(folder / name, *stamp)] for name, *stamp in _stamps(folder)]
    return fingerprint(hashes)


@functools.lru_cache(maxsize=64)
def _hashed(path: Path, size: int, mtime_ns: int) -> str:
    return sha256_of_file(path)


@functools.lru_cache(maxsize=1)
def _load(
    folder: Path, stamps: tuple[tuple[str, int, int], ...], device: str, dtype: str, threads: int
) -> _Model:
    """The model, once in each process. Raises SettingError or InputError."""
    try:
        torch = importlib.import_module("torch")
        transformers = importlib.import_module("transformers")
    except ImportError as error:
        raise SettingError(
            f"SAM needs torch and transformers, which cannot be imported ({error}): {_INSTALL}"
        ) from None
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(threads)
    transformers.utils.logging.disable_progress_bar()
    try:
        module, loading = transformers.AutoModelForMaskGeneration.from_pretrained(
            folder,
            local_files_only=True,
            dtype=getattr(torch, dtype),
            output_loading_info=True,
        )
        side = int(module.config.prompt_encoder_config.image_size)
        module = module.to(device).eval()
    except Exception as error:
        # Files of unknown origin: each of the libraries below has errors of its own.
        said = (str(error).splitlines() or [""])[0]
        raise InputError(
            f"the SAM model in {folder} cannot be loaded: {type(error).__name__}: {said}"
        ) from None
    if loading["missing_keys"]:
        # transformers would fill them with random numbers, and the masks would be noise.
        raise InputError(
            f"the SAM model in {folder} lacks {len(loading['missing_keys'])} of its weights, "
            f"{min(loading['missing_keys'])!r} among them; is config.json of another model?"
        )
    mean, std = _colours(folder)
    return _Model(module, torch, device, module.config.model_type, side, mean, std)


def _colours(folder: Path) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of the colours, from the folder where it says them."""
    for name in _CONFIGS[1:]:
        try:
            data = json.loads((folder / name).read_text(encoding="utf-8"))
            data = data.get("image_processor", data)
            return (_three(data["image_mean"]), _three(data["image_std"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return _IMAGENET_MEAN, _IMAGENET_STD


def _three(values: Sequence[float]) -> tuple[float, ...]:
    red, green, blue = values
    return (float(red), float(green), float(blue))


def _framed(photo: ImageRgb, model: _Model) -> _Frame:
    """The photograph as the model sees it."""
    height, width = photo.shape[:2]
    filled_wh = (model.side, model.side)
    if model.kind in _FRAMED:
        scale = model.side / max(height, width)
        filled_wh = (max(1, int(width * scale + 0.5)), max(1, int(height * scale + 0.5)))
    small = Image.fromarray(photo).resize(filled_wh, Image.Resampling.BILINEAR)
    values: NDArray[np.float32] = np.asarray(small, dtype=np.float32) / np.float32(255)
    mean, std = (np.asarray(three, dtype=np.float32) for three in (model.mean, model.std))
    values = (values - mean) / std
    pixels = np.zeros((1, 3, model.side, model.side), dtype=np.float32)
    pixels[0, :, : filled_wh[1], : filled_wh[0]] = values.transpose(2, 0, 1)
    return _Frame(pixels, filled_wh)


def _grid(side: int, filled_wh: tuple[int, int]) -> NDArray[np.float32]:
    """``side`` times ``side`` points, evenly over the photograph, in pixels of the frame.

    >>> _grid(2, (8, 4)).tolist()
    [[2.0, 1.0], [6.0, 1.0], [2.0, 3.0], [6.0, 3.0]]
    """
    steps = (np.arange(side, dtype=np.float32) + np.float32(0.5)) / np.float32(side)
    x, y = np.meshgrid(steps * filled_wh[0], steps * filled_wh[1])
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)


def _asked(
    model: _Model, frame: _Frame, points: NDArray[np.float32], batch: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """What the model says of the points, some at a time: logits (masks, h, w), and guessed IoUs."""
    torch, module = model.torch, model.module
    with torch.inference_mode():
        pixels = torch.from_numpy(frame.pixels).to(model.device, module.dtype)
        seen = module.get_image_embeddings(pixels)
        embeddings = {"image_embeddings": seen}
        if model.kind == "sam_hq":
            embeddings = {"image_embeddings": seen[0], "intermediate_embeddings": seen[1]}
        for first in range(0, len(points), batch):
            some = torch.from_numpy(points[first : first + batch])[None, :, None, :]
            said = module(
                **embeddings,
                input_points=some.to(model.device, module.dtype),
                input_labels=torch.ones(some.shape[:3], dtype=torch.int, device=model.device),
                multimask_output=True,
            )
            logits = said.pred_masks.float().cpu().numpy()
            yield (
                logits.reshape(-1, *logits.shape[-2:]),
                said.iou_scores.float().cpu().numpy().reshape(-1),
            )


def _at_photo(
    mask: NDArray[np.float32],
    cells_hw: tuple[int, int],
    frame: _Frame,
    model: _Model,
    photo_hw: tuple[int, int],
) -> NDArray[np.bool_]:
    """A mask on the grid, of which a frame has ``cells_hw``, as bool of the photograph's size."""
    rows, columns = (
        round(n * model.side / cells) for n, cells in zip(mask.shape, cells_hw, strict=True)
    )
    width, height = frame.filled_wh
    framed = cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_LINEAR)[:height, :width]
    whole = cv2.resize(framed, photo_hw[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole > 0)
