"""Class-aware detectors that are told what to look for: Grounding DINO, OWLv2, OWL-ViT.

It is asked with a photograph and a JSON list of names, and answers with boxes in JSON
(:mod:`annoengine.detecting.detections`), so that its answers lie in the journal like any other.
It is loaded by transformers from a folder or by name, and never asked for words.

Grounding DINO reads all names as one text of at most 256 tokens: longer lists are asked in several
passes over the photograph. A box gets the name whose own tokens it fits best (the published
post-processing joins the tokens above a second threshold into a phrase, which may be none of the
names). Source: arXiv 2303.05499, section 3.3. OWLv2 (arXiv 2306.09683) takes the place of OW-DETR,
which no maintained package has; each name is a text of its own, by default "a photo of a NAME".

``least_score`` is a floor that is part of the answer; what is sure enough is the stage's setting.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from annoengine.detecting.detections import Detection, names_of, write
from annoengine.errors import InputError, RecipeError, SettingError
from annoengine.photo import ImageRgb, decode_photo
from annoengine.provider import Reply, Request, Retry, TextPart, Usage
from annoengine.provider_options import read_options
from annoengine.requirement import Requirement, extra
from annoengine.stage import Parameters
from annoengine.torch_models import first_line, quiet, weights_hash

_INSTALL = "pip install 'annoengine[local]'"

_GROUNDING = ("grounding-dino", "mm-grounding-dino")
_PADDED = ("owlv2",)
"""Boxes are shares of a square: the photograph with ground added to its right or below it."""
_OWL = (*_PADDED, "owlvit")


class DetectorOptions(Parameters):
    """What a recipe may set for a ``detector/…`` model."""

    least_score: float = Field(default=0.1, ge=0, le=1)
    """Boxes below it are not in the answer."""

    text: str = "a photo of a {}"
    """What OWLv2 and OWL-ViT read for each name; ``{}`` stands for it."""

    names_per_pass: int = Field(default=64, ge=1)
    """Names that OWLv2 and OWL-ViT look for at once."""

    device: str = "auto"
    """``cuda``, ``cpu``, ``cuda:1`` …; auto takes a GPU where there is one."""

    dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    """The numbers that the model computes with."""

    threads: int = Field(default=1, ge=1)
    """Threads on the CPU."""


class Detector:
    """One model: a folder, or a name such as ``IDEA-Research/grounding-dino-base``."""

    VERSION: ClassVar[int] = 1
    BATCH: ClassVar[bool] = False
    FREE: ClassVar[bool] = True

    def __init__(self, model: str, options: Mapping[str, Any]) -> None:
        if not model.strip():
            raise RecipeError(
                "detector needs a model, for example detector/IDEA-Research/grounding-dino-base, "
                "or its folder"
            )
        self.name = f"detector/{model}"
        self.options = read_options(self.name, options, DetectorOptions)
        if "{}" not in self.options.text:
            raise RecipeError(f"{self.name}: the option 'text' needs a {{}} for the name")
        self.model = model
        self._loaded: Any = None
        self._torch: Any = None
        self._images: Any = None
        self._tokens: Any = None
        self._weights = ""
        self._thread: ThreadPoolExecutor | None = None

    @property
    def window(self) -> int:
        """Photographs wanted at once: one in the model, some waiting."""
        return 4

    def requirements(self) -> Sequence[Requirement]:
        """The extra that brings torch and transformers."""
        return (extra("local", "torch", "transformers"),)

    async def open(self) -> None:
        """Loads the model. Raises SettingError for a missing extra or a model that cannot be."""
        if self._loaded is not None:
            return
        try:
            transformers = importlib.import_module("transformers")
            self._torch = torch = importlib.import_module("torch")
        except ImportError:
            raise SettingError(f"{self.name} needs transformers; install it: {_INSTALL}") from None
        device = self.options.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            with quiet("transformers"):
                loaded = transformers.AutoModelForZeroShotObjectDetection.from_pretrained(
                    self.model, dtype=getattr(torch, self.options.dtype)
                )
                self._images = transformers.AutoImageProcessor.from_pretrained(self.model)
                self._tokens = transformers.AutoTokenizer.from_pretrained(self.model)
        except (OSError, ValueError, KeyError, RuntimeError, TypeError, ImportError) as error:
            raise SettingError(
                f"{self.name} cannot be loaded: {first_line(error)}; give the folder of a "
                "Grounding DINO, OWLv2 or OWL-ViT, or a name that this machine can download"
            ) from None
        if loaded.config.model_type not in (*_GROUNDING, *_OWL):
            raise SettingError(
                f"{self.name} is a {loaded.config.model_type}, which is not known here: a "
                "Grounding DINO, OWLv2 or OWL-ViT is"
            )
        self._loaded = loaded.eval().to(device)
        self._weights = weights_hash(loaded, torch)[:16]
        self._thread = ThreadPoolExecutor(1, "detect")

    async def close(self) -> None:
        """Lets go of the model; may be called twice."""
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)
        self._thread = self._loaded = None

    async def reply(self, request: Request) -> Reply:
        """The boxes of all names in the photograph.

        Raises InputError for bytes that are no picture, ValueError for a request that is none of
        a photograph and a list of names.
        """
        assert self._thread is not None, "open it first"
        images = request.images()
        texts = [p.text for m in request.messages for p in m.parts if isinstance(p, TextPart)]
        if len(images) != 1 or len(texts) != 1:
            raise ValueError("a detector is asked with one photograph and one list of names")
        names = names_of(texts[0])
        data = await request.image_bytes(images[0])
        photo = await asyncio.to_thread(decode_photo, data, images[0].file)
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._thread, self._found, photo, names)
        size_wh = (photo.shape[1], photo.shape[0])
        return Reply(text=write(found, size_wh), outcome="answer", model=self.name, usage=Usage())

    def classify(self, error: Exception) -> Retry:
        """Only a lack of memory passes."""
        if type(error).__name__ == "OutOfMemoryError":
            return Retry("again", f"{self.name}: out of memory")
        return Retry("never", f"{self.name}: {error}")

    def key_extra(self, request: Request) -> Mapping[str, str]:
        """Its version, the model's weights and the options that change what is found."""
        o = self.options
        return {
            "detector": str(self.VERSION),
            "weights": self._weights or "not loaded",
            "dtype": o.dtype,
            "least_score": str(o.least_score),
            "text": o.text,
        }

    def _found(self, photo: ImageRgb, names: Sequence[str]) -> list[Detection]:
        """All boxes above the floor; runs in the one thread that the model has."""
        torch, model = self._torch, self._loaded
        torch.set_num_threads(self.options.threads)
        kind = model.config.model_type
        with torch.inference_mode():
            prepared = self._images(images=photo, return_tensors="pt")
            pixels = prepared["pixel_values"].to(model.device, model.dtype)
            found: list[Detection] = []
            if kind in _GROUNDING:
                mask = prepared["pixel_mask"].to(model.device)
                for part in self._by_tokens(names):
                    scores, boxes = self._grounded(pixels, mask, part)
                    found += self._above(scores, boxes, part, (photo.shape[1], photo.shape[0]))
                return found
            longest = max(photo.shape[:2])
            frame = (longest, longest) if kind in _PADDED else (photo.shape[1], photo.shape[0])
            for start in range(0, len(names), self.options.names_per_pass):
                some = names[start : start + self.options.names_per_pass]
                scores, boxes = self._owl(pixels, some)
                found += self._above(scores, boxes, some, frame)
        return found

    def _by_tokens(self, names: Sequence[str]) -> Iterator[list[str]]:
        """The names in as few texts as the model reads. Raises InputError for one too long."""
        most = int(getattr(self._loaded.config, "max_text_len", 256)) - 2
        part: list[str] = []
        used = 0
        for name in names:
            length = len(self._ids(name)) + 1
            if length > most:
                raise InputError(f"the name {name[:60]!r} is longer than {self.name} reads")
            if used + length > most:
                yield part
                part, used = [], 0
            part.append(name)
            used += length
        if part:
            yield part

    def _ids(self, name: str) -> list[int]:
        # A full stop ends a name for the model, so there must be none within.
        text = " ".join(name.lower().replace(".", " ").replace("?", " ").split())
        ids: list[int] = self._tokens(text, add_special_tokens=False)["input_ids"]
        return ids

    def _grounded(
        self, pixels: Any, mask: Any, names: Sequence[str]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Scores (queries, names) and boxes (queries, 4: middle and size, as shares)."""
        torch, model = self._torch, self._loaded
        (stop,) = self._tokens(".", add_special_tokens=False)["input_ids"]
        ids, spans = [self._tokens.cls_token_id], []
        for name in names:
            own = self._ids(name)
            spans.append((len(ids), len(ids) + len(own)))
            ids += [*own, stop]
        ids.append(self._tokens.sep_token_id)
        tokens = torch.tensor([ids], device=model.device)
        out = model(
            pixel_values=pixels,
            pixel_mask=mask,
            input_ids=tokens,
            token_type_ids=torch.zeros_like(tokens),
            attention_mask=torch.ones_like(tokens),
        )
        fits = torch.sigmoid(out.logits[0].float())
        scores = torch.stack([fits[:, a:b].max(dim=1).values for a, b in spans], dim=1)
        return _array(scores), _array(out.pred_boxes[0].float())

    def _owl(
        self, pixels: Any, names: Sequence[str]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The same for one text a name."""
        texts = [self.options.text.format(name) for name in names]
        limit = self._loaded.config.text_config.max_position_embeddings
        tokens = self._tokens(
            texts, padding="max_length", max_length=limit, truncation=True, return_tensors="pt"
        ).to(self._loaded.device)
        out = self._loaded(
            pixel_values=pixels,
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
        )
        scores = self._torch.sigmoid(out.logits[0].float())
        return _array(scores), _array(out.pred_boxes[0].float())

    def _above(
        self,
        scores: NDArray[np.float64],
        boxes: NDArray[np.float64],
        names: Sequence[str],
        frame_wh: tuple[int, int],
    ) -> list[Detection]:
        """One detection for each query whose best name is above the floor."""
        best = scores.argmax(axis=1)
        found = []
        for query in np.flatnonzero(scores.max(axis=1) >= self.options.least_score):
            middle_x, middle_y, width, height = boxes[query]
            box = (
                float((middle_x - width / 2) * frame_wh[0]),
                float((middle_y - height / 2) * frame_wh[1]),
                float((middle_x + width / 2) * frame_wh[0]),
                float((middle_y + height / 2) * frame_wh[1]),
            )
            name = names[best[query]]
            found.append(Detection(name, box, float(scores[query, best[query]])))
        return found


def _array(tensor: Any) -> NDArray[np.float64]:
    found: NDArray[np.float64] = tensor.cpu().numpy().astype(np.float64)
    return found
