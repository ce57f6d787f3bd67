"""Vectors of texts and pictures, by any model that sentence-transformers loads: CLIP, SigLIP …

It only embeds; asked to say something it refuses. Vectors have length 1, so that their product is
the cosine. A text longer than the model reads is never cut off: it is taken apart into runs of
whole sentences as long as the model reads (a sentence too long for that, into runs of words), and
its vector is the mean of theirs, brought to length 1 again.

Batches have one shape each (:mod:`annoengine.vector_batches`), so that a vector does not depend on
what else was embedded; across devices, dtypes and batch sizes it differs in its last digits, which
is why scores are rounded.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from annoengine.errors import RecipeError, SettingError
from annoengine.photo import decode_photo
from annoengine.provider import Request, Retry
from annoengine.provider_options import read_options
from annoengine.requirement import Requirement, extra
from annoengine.stage import Parameters
from annoengine.text_faults.sentences import sentences_in
from annoengine.torch_models import first_line, of_length_one, quiet, weights_hash
from annoengine.vector_batches import VectorBatches

_INSTALL = "pip install 'annoengine[vectors]'"
_PICTURE = "picture"
_STEP_TOKENS = 16
"""Texts are padded to a multiple of this, so that few shapes are met; ours."""


class VectorOptions(Parameters):
    """What a recipe may set for a ``sentence_transformers/…`` model."""

    batch_size: int = Field(default=32, ge=1)
    """Texts or pictures computed at once."""

    device: str = "auto"
    """``cuda``, ``cpu``, ``cuda:1`` …; auto takes a GPU where there is one."""

    dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    """The numbers that the model computes with."""

    threads: int = Field(default=1, ge=1)
    """Threads on the CPU. With several, matrix libraries share out their work anew from call to
    call, and the last digit of a vector may change with it."""


class SentenceTransformers:
    """The vectors of one model: a folder, or a name that sentence-transformers finds."""

    VERSION: ClassVar[int] = 1
    BATCH: ClassVar[bool] = False
    FREE: ClassVar[bool] = True

    def __init__(self, model: str, options: Mapping[str, Any]) -> None:
        if not model.strip():
            raise RecipeError(
                "sentence_transformers needs a model, for example "
                "sentence_transformers/clip-ViT-B-32, or a model's folder"
            )
        self.name = f"sentence_transformers/{model}"
        self.options = read_options(self.name, options, VectorOptions)
        self.model = model
        self._loaded: Any = None
        self._torch: Any = None
        self._batches: VectorBatches | None = None
        self._space = ""
        # A tokenizer keeps how it cuts and pads as its own state: one thread at a time.
        self._tokenizing = threading.Lock()

    @property
    def window(self) -> int:
        """Records whose vectors are wanted at once: enough for some full batches."""
        return 2 * self.options.batch_size

    @property
    def space(self) -> str:
        """The model by its weights: vectors of equal names in other spaces are no neighbours."""
        return f"{self.name}@{self._space}"

    def requirements(self) -> Sequence[Requirement]:
        """The extra that brings torch and sentence-transformers."""
        return (extra("vectors", "torch", "sentence_transformers"),)

    async def open(self) -> None:
        """Loads the model. Raises SettingError for a missing extra or a model that cannot be."""
        if self._loaded is not None:
            return
        try:
            package = importlib.import_module("sentence_transformers")
            self._torch = torch = importlib.import_module("torch")
        except ImportError:
            raise SettingError(
                f"{self.name} needs sentence-transformers; install it: {_INSTALL}"
            ) from None
        device = self.options.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            with quiet("transformers", "sentence_transformers"):
                self._loaded = package.SentenceTransformer(
                    self.model,
                    device=device,
                    model_kwargs={"torch_dtype": getattr(torch, self.options.dtype)},
                )
        except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
            raise SettingError(
                f"{self.name} cannot be loaded: {first_line(error)}; give the folder of a model, "
                "or the name of one that this machine can download"
            ) from None
        self._loaded.eval()
        self._space = weights_hash(self._loaded, torch)[:16]
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

        Raises InputError for bytes that are no picture, SettingError for a kind of item that the
        model does not take.
        """
        assert self._batches is not None, "open it first"
        pieces: list[tuple[str | int, Any]] = []
        of: list[int] = []
        for number, item in enumerate(items):
            parts = self._parts(item)
            pieces += parts
            of += [number] * len(parts)
        rows = await self._batches.vectors(pieces)
        sums = np.zeros((len(items), len(rows[0]) if rows else 0), dtype=np.float64)
        for number, row in zip(of, rows, strict=True):
            sums[number] += row
        return of_length_one(sums)

    def _parts(self, item: str | bytes) -> list[tuple[str | int, Any]]:
        """An item as what the model takes at once, each with its shape."""
        if isinstance(item, bytes):
            if not self._loaded.supports("image"):
                raise SettingError(
                    f"{self.name} takes no pictures; a CLIP or SigLIP is needed, for example "
                    "sentence_transformers/clip-ViT-B-32"
                )
            return [(_PICTURE, item)]
        most = self._loaded.max_seq_length or 512
        return [(self._padded(text, most), text) for text in self._runs(item, most)]

    def _tokens(self, text: str) -> int:
        with self._tokenizing:
            found = self._loaded.tokenizer(text, truncation=False, verbose=False)
        return len(found["input_ids"])

    def _padded(self, text: str, most: int) -> int:
        return min(most, -(-self._tokens(text) // _STEP_TOKENS) * _STEP_TOKENS)

    def _runs(self, text: str, most: int) -> list[str]:
        """Runs of whole sentences that the model can read, in order; nothing is left out."""
        if self._tokens(text) <= most:
            return [text]
        units = sentences_in(text)
        if len(units) < 2:
            units = text.split()
        if len(units) < 2:
            half = len(text) // 2
            units = [text[:half], text[half:]]
        runs: list[str] = []
        run = ""
        for unit in units:
            longer = f"{run} {unit}" if run else unit
            if not run or self._tokens(longer) <= most:
                run = longer
            else:
                runs.append(run)
                run = unit
        runs.append(run)
        return [piece for run in runs for piece in self._runs(run, most)]

    def _prepared(self, shape: Any, items: Sequence[Any]) -> Any:
        if shape == _PICTURE:
            return self._loaded.preprocess([_picture(data) for data in items])
        padding = {"text": {"padding": "max_length", "max_length": shape, "truncation": True}}
        with self._tokenizing:
            return self._loaded.preprocess(list(items), processing_kwargs=padding)

    def _embedded(self, features: Any) -> NDArray[np.float32]:
        torch, device = self._torch, self._loaded.device
        # Here, in the thread that computes: the number is each thread's own, and only where it
        # was set do matrix libraries keep to it.
        torch.set_num_threads(self.options.threads)
        moved = {
            name: value.to(device) if isinstance(value, torch.Tensor) else value
            for name, value in features.items()
        }
        with torch.inference_mode():
            rows = self._loaded(moved)["sentence_embedding"]
        return of_length_one(rows.float().cpu().numpy().astype(np.float64))


def _picture(data: bytes) -> Image.Image:
    return Image.fromarray(decode_photo(data, "a picture to embed"))
