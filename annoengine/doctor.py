"""Examines the machine: versions, extras, keys, data, hardware, and what each recipe still needs.

Nothing is sent anywhere, no heavy package is imported, and of a key only whether it is set is
ever looked at.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Wanted

from annoengine import registry
from annoengine.cards import listed_cards, peak_of
from annoengine.errors import AnnoengineError
from annoengine.recipe import load_recipe
from annoengine.recipe_fit import fits_of_recipe
from annoengine.recipe_text import recipe_folders
from annoengine.requirement import Requirement

_DISTRIBUTION = "annoengine"

_DEVELOPMENT = frozenset({"dev"})
"""Extras that no user misses."""

_LOW_DISK_GB = 5.0
"""A run of 20,000 drawn pictures of 150 KB needs 3 GB."""

_GB = 1e9
_MIB = 2**20


@dataclass(frozen=True)
class Finding:
    """One line of the examination; ``ok`` is None for what is only told."""

    name: str
    value: str
    ok: bool | None = None
    remedy: str = ""


@dataclass(frozen=True)
class Section:
    """Findings of one kind."""

    title: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class RecipeFinding:
    """Whether a recipe could run here and now; ``needs`` says what it lacks, each with a remedy."""

    name: str
    about: str
    needs: tuple[Requirement, ...] = field(default=())
    fits: tuple[str, ...] = field(default=())
    """What of its local models fits this machine's cards."""

    @property
    def ready(self) -> bool:
        """Is nothing missing?"""
        return not self.needs


def examine(folder: Path) -> list[Section]:
    """All that is not about recipes. ``folder`` is where runs would be written."""
    return [
        Section("versions", tuple(_versions())),
        Section("extras", tuple(_extras())),
        Section("keys", tuple(_keys())),
        Section("language data", (_wordnet(), _spacy())),
        Section("machine", (_processor(), _memory(), *_gpus(), _disk(folder))),
    ]


def packaged_recipes() -> list[str]:
    """Names of the recipes that come with annoengine, sorted."""
    return sorted({path.stem for each in recipe_folders() for path in each.glob("*.yaml")})


def examine_recipe(name: str) -> RecipeFinding:
    """What a recipe, packaged or by path, still needs on this machine."""
    try:
        recipe = load_recipe(name)
    except AnnoengineError as error:
        return RecipeFinding(name, "", (Requirement(str(error), met=False),))
    needs: list[Requirement] = []
    try:
        recipe.source.check()
    except AnnoengineError as error:
        needs.append(Requirement(str(error), met=False))
    holders = [recipe.source, *(built.stage for built in recipe.stages)]
    holders += recipe.providers()
    holders += [export.exporter for export in recipe.exports]
    for holder in holders:
        list_them = getattr(holder, "requirements", None)
        if list_them is not None:
            needs += [each for each in list_them() if not each.met and each not in needs]
    models = ", ".join(dict.fromkeys(p.name for p in recipe.providers()))
    about = f"reads {recipe.source_kind}" + (f", asks {models}" if models else "")
    return RecipeFinding(recipe.name, about, tuple(needs), tuple(fits_of_recipe(recipe)))


def _versions() -> Iterable[Finding]:
    yield Finding(_DISTRIBUTION, _version_of(_DISTRIBUTION) or "not installed")
    yield Finding("python", f"{platform.python_version()} ({sys.executable})")
    yield Finding("system", f"{platform.system()} {platform.release()}, {platform.machine()}")
    for wanted in _wanted(None):
        version = _version_of(wanted.name)
        ok = version is not None and wanted.specifier.contains(version, prereleases=True)
        remedy = "" if ok else f"pip install '{wanted.name}{wanted.specifier}'"
        yield Finding(wanted.name, version or "not installed", None if ok else False, remedy)


def _extras() -> Iterable[Finding]:
    try:
        names = importlib.metadata.metadata(_DISTRIBUTION).get_all("Provides-Extra") or []
    except importlib.metadata.PackageNotFoundError:
        names = []
    for name in sorted(set(names) - _DEVELOPMENT):
        packages = [w for w in _wanted(name) if w.name != _DISTRIBUTION]
        found = {wanted.name: _version_of(wanted.name) for wanted in packages}
        missing = [package for package, version in found.items() if version is None]
        if missing:
            value = f"not installed ({', '.join(missing)})"
            yield Finding(name, value, None, f"pip install 'annoengine[{name}]'")
        else:
            yield Finding(name, ", ".join(f"{p} {v}" for p, v in found.items()), True)


def _wanted(extra: str | None) -> list[Wanted]:
    """The requirements of annoengine's own metadata: the base's, or those of one extra alone."""
    try:
        texts = importlib.metadata.requires(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    wanted = []
    for text in texts:
        try:
            each = Wanted(text)
        except InvalidRequirement:
            continue
        base = each.marker is None or each.marker.evaluate({"extra": ""})
        if (extra is None and base) or (
            extra is not None
            and not base
            and each.marker
            and each.marker.evaluate({"extra": extra})
        ):
            wanted.append(each)
    return wanted


def _version_of(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _keys() -> Iterable[Finding]:
    variables: dict[str, str] = {}
    for name in registry.names("provider"):
        try:
            provider = registry.find("provider", name)
        except (AnnoengineError, ImportError):
            continue  # an installed plug-in that is broken is no matter of keys
        variables |= dict(getattr(provider, "KEYS", {}))
    for variable, used_by in sorted(variables.items()):
        is_set = bool(os.environ.get(variable, "").strip())
        remedy = "" if is_set else f"export {variable}=…"
        yield Finding(variable, f"{'set' if is_set else 'not set'} ({used_by})", is_set, remedy)


def _nltk_folders() -> list[Path]:
    """Where NLTK looks for its data. Source: ``nltk/data.py``, the search path."""
    given = [Path(p) for p in os.environ.get("NLTK_DATA", "").split(os.pathsep) if p]
    prefix = Path(sys.prefix)
    own = [Path.home() / "nltk_data", prefix / "nltk_data"]
    own += [prefix / "share" / "nltk_data", prefix / "lib" / "nltk_data"]
    roots = ("/usr/share", "/usr/local/share", "/usr/lib", "/usr/local/lib")
    return [*given, *own, *(Path(root) / "nltk_data" for root in roots)]


def _wordnet() -> Finding:
    places = [folder / "corpora" / "wordnet" for folder in _nltk_folders()]
    places += [place.with_suffix(".zip") for place in places]
    places.append(Path("/usr/share/wordnet"))  # Debian's wordnet-base
    for place in places:
        if place.is_file() or (place / "data.noun").is_file():
            return Finding("WordNet", str(place), True)
    return Finding(
        "WordNet",
        "not found (only a recipe with wordnet: needs it)",
        None,
        "python -m nltk.downloader wordnet, or apt-get install wordnet-base",
    )


def _spacy() -> Finding:
    remedy = "pip install 'annoengine[text]'"
    version = _version_of("spacy")
    if version is None:
        return Finding("spaCy", "not installed", False, remedy)
    models = sorted(
        f"{each.name} {each.version}"
        for each in importlib.metadata.distributions()
        if (each.name or "").lower().replace("-", "_").startswith("en_core_web")
    )
    if not models:
        return Finding("spaCy", f"{version}, without an English model", False, remedy)
    return Finding("spaCy", f"{version} with {', '.join(models)}", True)


def _processor() -> Finding:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding("processors", f"{usable} usable")


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Finding("memory", f"{total / _GB:.0f} GB")


def _gpus() -> list[Finding]:
    torch = _version_of("torch")
    with_torch = f"torch {torch}" if torch else "torch is not installed"
    found = listed_cards()
    if found.broken:
        return [Finding("GPU", found.trouble, False)]
    if found.trouble:
        return [Finding("GPU", f"{found.trouble}; {with_torch}")]
    findings = []
    for number, card in enumerate(found.cards):
        free = "" if card.free_bytes is None else f", {card.free_bytes // _MIB} MiB free"
        peak = peak_of(card.name)
        reads = "" if peak is None else f", reads {peak.bandwidth_gb_s:,.0f} GB a second"
        total = card.memory_bytes // _MIB
        value = f"{card.name}, {total} MiB{free}{reads}; {with_torch}"
        findings.append(Finding(f"GPU {number}", value, True))
    return findings


def _disk(folder: Path) -> Finding:
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / _GB
    ok = free >= _LOW_DISK_GB
    remedy = "" if ok else "make room, or write runs elsewhere with --workspace"
    return Finding("disk", f"{free:.0f} GB free in {place}", ok, remedy)


def as_json(sections: Sequence[Section], recipes: Sequence[RecipeFinding]) -> dict[str, object]:
    """The examination as JSON-like data."""
    examined: dict[str, object] = {
        section.title: {
            f.name: {
                "value": f.value,
                **({} if f.ok is None else {"ok": f.ok}),
                **({"remedy": f.remedy} if f.remedy else {}),
            }
            for f in section.findings
        }
        for section in sections
    }
    examined["recipes"] = {
        recipe.name: {
            "ready": recipe.ready,
            "about": recipe.about,
            "needs": [{"what": n.what, "remedy": n.remedy} for n in recipe.needs],
            **({"fits": list(recipe.fits)} if recipe.fits else {}),
        }
        for recipe in recipes
    }
    return examined
