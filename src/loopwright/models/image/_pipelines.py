"""Pipelines of diffusers: found, checked before anything is loaded, loaded once and shared by concurrent calls."""

from __future__ import annotations

import copy
import json
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from loopwright.errors import MissingContent, MissingExtra, UserError
from loopwright.files import read_regular
from loopwright.models._options import ModelOptions
from loopwright.models.image._arguments import defaults

_LARGEST_INDEX = 1024 * 1024
_KNOWN = "Only classes of diffusers and transformers are loaded."
_LIBRARIES = ("diffusers", "torch", "transformers", "PIL")


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of a pipeline, as `save_pretrained` writes it. What makes two models share one engine."""

    folder: Path
    variant: str | None
    """`fp16` where there are weights of half precision only."""
    slots: int
    threads: int


@dataclass(frozen=True, slots=True)
class Tasks:
    """The pipelines of one set of weights by what they do; None where they cannot do it."""

    generate: Any
    edit: Any
    inpaint: Any


@dataclass(slots=True)
class Engine:
    """Pipelines with their weights loaded, the threads that use them, and what each call has for itself."""

    tasks: Tasks
    pool: ThreadPoolExecutor
    stateful: queue.SimpleQueue[dict[str, Any]]
    """Tokenizers and processors by name, one set for each thread: they hold settings of the call."""
    threads: int
    users: int = 0

    @contextmanager
    def pipeline(self, shared: Any) -> Iterator[Any]:
        """A pipeline of one call: weights are shared; schedulers, tokenizers and processors are its own."""
        parts = self.stateful.get()
        try:
            own = copy.copy(shared)
            for name, part in own.components.items():
                if _is_scheduler(part):
                    setattr(own, name, type(part).from_config(part.config))
                elif name in parts:
                    setattr(own, name, parts[name])
            yield own
        finally:
            self.stateful.put(parts)


_lock = threading.Lock()
_engines: dict[Source, Engine] = {}


def find_pipeline(model: str, options: ModelOptions, name: str) -> Source:
    """The folder of a model, or what the cache of the Hugging Face Hub holds for an identifier. Nothing is downloaded.

    Raises:
        MissingContent: There is none, or it has no weights that are safe to load.
        MissingExtra: A library is not installed.
    """
    if missing := [name for name in _LIBRARIES if find_spec(name) is None]:
        raise MissingExtra(f"{name} needs {', '.join(missing)}", remedy="Run: pip install 'loopwright[diffusers]'")
    folder = options.path(model)
    if not folder.is_dir():
        folder = _cached(model, folder, name)
    return Source(folder, _check(folder, name), options.slots, options.threads)


def _cached(model: str, folder: Path, name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError):
        raise MissingContent(
            f"{name}: there is no folder {folder}, and the cache of the Hugging Face Hub does not hold it",
            remedy="Write the path of a folder that `save_pretrained` made. Loopwright downloads nothing by itself; "
            f"to fetch a model of the Hub, run: hf download {model}",
        ) from None


def _check(folder: Path, name: str) -> str | None:
    """Returns the variant of the weights, once every part of the pipeline is there."""
    index = folder / "model_index.json"
    try:
        parts = json.loads(read_regular(index, _LARGEST_INDEX))
        class_name = parts.pop("_class_name")
    except FileNotFoundError:
        raise MissingContent(
            f"{name}: {index} is not there", remedy="Save a pipeline with `pipeline.save_pretrained(FOLDER)`."
        ) from None
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise UserError(f"{name}: {index} cannot be read: {error!r}", remedy="Save the pipeline anew.") from None
    weights: list[Path] = []
    for part, value in parts.items():
        if not (isinstance(value, list) and value and value[0]):
            continue
        if (folder / part / f"{value[0]}.py").exists() or not isinstance(class_name, str):
            raise UserError(f"{name}: it brings its own code", remedy=_KNOWN)
        weights += _weights(folder / part, name)
    return "fp16" if weights and all(".fp16" in path.name for path in weights) else None


def _weights(part: Path, name: str) -> list[Path]:
    found = list(part.glob("*.safetensors"))
    if not found and (not part.is_dir() or (part / "config.json").is_file()):
        pickled = any(part.glob("*.bin")) or any(part.glob("*.ckpt"))
        raise MissingContent(
            f"{name}: {part} has no weights"
            + (" in safetensors; pickled ones are not loaded, as they may run code" if pickled else ""),
            remedy="Save the pipeline with `pipeline.save_pretrained(FOLDER, safe_serialization=True)`."
            if pickled
            else "Copy or download the folder once more, with all of its files.",
        )
    return found


def enter(source: Source, name: str) -> Engine:
    """Loads a pipeline, or shares one that is loaded; `leave` lets go of it.

    Raises:
        UserError: It cannot be loaded.
    """
    with _lock:
        engine = _engines.get(source) or _engines.setdefault(source, _load(source, name))
        engine.users += 1
        return engine


def leave(source: Source) -> None:
    """Lets go of a pipeline; the last user frees it."""
    with _lock:
        engine = _engines[source]
        engine.users -= 1
        if engine.users == 0:
            del _engines[source]
            engine.pool.shutdown(wait=True)


def _load(source: Source, name: str) -> Engine:
    import torch

    try:
        pipeline, tasks = _read(source, name)
    except UserError:
        raise
    except Exception as error:
        # What is wrong with a folder comes as any class: OSError, ValueError, KeyError, those of safetensors.
        raise UserError(
            f"{name} cannot be loaded from {source.folder}: {error}",
            remedy="Check that the folder is whole, that memory suffices, and that your diffusers knows its class.",
        ) from error
    # One call keeps a GPU busy; more of them at a time would only need more of its memory.
    workers = 1 if torch.cuda.is_available() else source.slots
    stateful = {
        part: value
        for part, value in pipeline.components.items()
        if value is not None and not isinstance(value, torch.nn.Module) and not _is_scheduler(value)
    }
    parts: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    for _ in range(workers):
        parts.put(copy.deepcopy(stateful))
    pool = ThreadPoolExecutor(workers, thread_name_prefix="loopwright-diffusers")
    return Engine(tasks, pool, parts, max(1, source.threads // workers))


def _read(source: Source, name: str) -> tuple[Any, Tasks]:
    """Loads a pipeline, and makes those that share its weights."""
    import diffusers
    import torch
    import transformers

    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()
        library.utils.logging.set_verbosity_error()
    for value in json.loads(read_regular(source.folder / "model_index.json", _LARGEST_INDEX)).values():
        named = value[0] if isinstance(value, list) and value else None
        # Any other library would be imported, whatever it does.
        if named not in {None, "diffusers", "transformers"} and not hasattr(diffusers.pipelines, str(named)):
            raise UserError(f"{name}: it names the library {named!r}", remedy=_KNOWN)
    cuda = torch.cuda.is_available()
    pipeline = diffusers.DiffusionPipeline.from_pretrained(
        str(source.folder),
        dtype=torch.bfloat16 if cuda else torch.float32,
        variant=source.variant,
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
        low_cpu_mem_usage=find_spec("accelerate") is not None,
    ).to("cuda" if cuda else "cpu")
    return pipeline, _tasks(pipeline, diffusers)


def _is_scheduler(part: Any) -> bool:
    return hasattr(part, "set_timesteps")


def _tasks(pipeline: Any, diffusers: Any) -> Tasks:
    """What a pipeline can do, by its class and those that share its weights."""
    takes = defaults(pipeline)
    edits = "image" in takes and "mask_image" not in takes

    def by(auto: Any) -> Any:
        try:
            shared = auto.from_pipe(pipeline)
        except ValueError:
            return None
        shared.set_progress_bar_config(disable=True)
        return shared if _channels_fit(shared) else None

    pipeline.set_progress_bar_config(disable=True)
    generate = by(diffusers.AutoPipelineForText2Image) or (None if "image" in takes else pipeline)
    edit = pipeline if edits else by(diffusers.AutoPipelineForImage2Image)
    inpaint = pipeline if "mask_image" in takes else by(diffusers.AutoPipelineForInpainting)
    return Tasks(generate, edit, inpaint or edit)


def _channels_fit(pipeline: Any) -> bool:
    """Whether the network takes what the pipeline feeds it: those of inpainting alone have 9 channels instead of 4."""
    network, decoder = pipeline.components.get("unet"), pipeline.components.get("vae")
    return not (network and decoder) or network.config.in_channels == decoder.config.latent_channels
