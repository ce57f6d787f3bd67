"""What a DINOv2 sees in a photograph, as one vector of length 1.

It only embeds pictures; asked to say something, or given a text, it refuses. The vector is the
class token of the last layer, after its norm, as DINOv2 gives it for whole images (arXiv
2304.07193, section 7.1); ``token: mean`` takes the mean of the patches instead. Pictures are
prepared as the model's own file says, by transformers. Batches have one shape, so that a vector
does not depend on what else was embedded (:mod:`annoengine.vector_batches`).

SA-Pancap's authors name DINOv2 and neither its size nor the token (arXiv 2505.16334, section 4.2):
both are the recipe's. Any vision model that transformers loads with ``AutoModel`` and that gives
``last_hidden_state`` with a class token first will do (DINOv2 with registers, DINOv3 ViT).
"""

from __future__ import annotations

import importlib
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from annoengine.errors import RecipeError, SettingError
from annoengine.photo import decode_photo
from annoengine.provider import Request, Retry
from annoengine.provider_options import read_options
from annoengine.requirement import Requirement, extra
from annoengine.stage import Parameters
from annoengine.torch_models import first_line, of_length_one, quiet, weights_hash
from annoengine.vector_batches import VectorBatches

_INSTALL = "pip install 'annoengine[local]'"
_PICTURE = "picture"


class DinoOptions(Parameters):
    """What a recipe may set for a ``dinov2/…`` model."""

    batch_size: int = Field(default=32, ge=1)
    """Pictures computed at once."""

    token: Literal["cls", "mean"] = "cls"
    """The class token, or the mean of the patches."""

    device: str = "auto"
    """``cuda``, ``cpu``, ``cuda:1`` …; auto takes a GPU where there is one."""

    dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    """The numbers that the model computes with."""

    threads: int = Field(default=1, ge=1)
    """Threads on the CPU; with several the last digit of a vector may change from run to run."""


class Dinov2:
    """The vectors of one model: a folder, or a name such as ``facebook/dinov2-base``."""

    VERSION: ClassVar[int] = 1
    BATCH: ClassVar[bool] = False
    FREE: ClassVar[bool] = True

    def __init__(self, model: str, options: Mapping[str, Any]) -> None:
        if not model.strip():
            raise RecipeError(
                "dinov2 needs a model, for example dinov2/facebook/dinov2-base, or its folder"
            )
        self.name = f"dinov2/{model}"
        self.options = read_options(self.name, options, DinoOptions)
        self.model = model
        self._loaded: Any = None
        self._processor: Any = None
        self._torch: Any = None
        self._batches: VectorBatches | None = None
        self._space = ""

    @property
    def window(self) -> int:
        """Pictures wanted at once: two full batches."""
        return 2 * self.options.batch_size

    @property
    def space(self) -> str:
        """The model by its weights, and the token: vectors of other spaces are no neighbours."""
        return f"{self.name}@{self._space}/{self.options.token}"

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
                self._processor = transformers.AutoImageProcessor.from_pretrained(self.model)
                loaded = transformers.AutoModel.from_pretrained(
                    self.model, dtype=getattr(torch, self.options.dtype)
                )
        except (OSError, ValueError, KeyError, RuntimeError, TypeError, ImportError) as error:
            raise SettingError(
                f"{self.name} cannot be loaded: {first_line(error)}; give the folder of a model "
                "with its preprocessor_config.json, or a name that this machine can download"
            ) from None
        if not hasattr(loaded, "layernorm") and not hasattr(loaded, "norm"):
            raise SettingError(
                f"{self.name} is a {type(loaded).__name__}, which has no class token; a DINOv2 is "
                "needed, for example dinov2/facebook/dinov2-base"
            )
        self._loaded = loaded.eval().to(device)
        self._space = weights_hash(loaded, torch)[:16]
        self._batches = VectorBatches(self.options.batch_size, self._prepared, self._embedded)

    async def close(self) -> None:
        """Lets go of the model; may be called twice."""
        if self._batches is not None:
            self._batches.close()
        self._batches = self._loaded = None

    async def reply(self, request: Request) -> NoReturn:
        """It has no words."""
        raise SettingError(f"{self.name} makes vectors and answers nothing; ask another model")

    def classify(self, error: Exception) -> Retry:
        """Nothing that it computes goes better the second time."""
        return Retry("never", f"{self.name}: {error}")

    def key_extra(self, request: Request) -> Mapping[str, str]:
        """Nothing: it is not asked."""
        return {}

    async def embed(self, items: Sequence[str | bytes]) -> NDArray[np.float32]:
        """float32 (items, dimensions), each row of length 1.

        Raises InputError for bytes that are no picture, SettingError for a text.
        """
        assert self._batches is not None, "open it first"
        if any(isinstance(item, str) for item in items):
            raise SettingError(
                f"{self.name} sees pictures and reads no texts; for both a CLIP is needed, for "
                "example sentence_transformers/clip-ViT-B-32"
            )
        rows = await self._batches.vectors([(_PICTURE, item) for item in items])
        return np.stack(rows) if rows else np.zeros((0, 0), dtype=np.float32)

    def _prepared(self, shape: Hashable, items: Sequence[Any]) -> Any:
        photos = [decode_photo(data, "a picture to embed") for data in items]
        return self._processor(images=photos, return_tensors="pt")["pixel_values"]

    def _embedded(self, pixels: Any) -> NDArray[np.float32]:
        torch, model = self._torch, self._loaded
        # Here, in the thread that computes: the number is each thread's own.
        torch.set_num_threads(self.options.threads)
        with torch.inference_mode():
            hidden = model(pixel_values=pixels.to(model.device, model.dtype)).last_hidden_state
        first = 1 + int(getattr(model.config, "num_register_tokens", 0) or 0)
        rows = hidden[:, 0] if self.options.token == "cls" else hidden[:, first:].mean(dim=1)
        return of_length_one(rows.float().cpu().numpy().astype(np.float64))
