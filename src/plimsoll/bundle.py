"""A bundle: a model as arrays and JSON, with what was asked, what was measured, and a hash of every member.

A folder or one file. Reading one runs no code from it: what was hashed is what is checked, and what is checked is
what a recipe loads.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from plimsoll import shared_file
from plimsoll.archive import MANIFEST, MOST_BYTES, MOST_MANIFEST, MOST_MEMBERS, name_fault, opened, pack_files
from plimsoll.calibration import Calibration
from plimsoll.ctc import Spelling
from plimsoll.errors import BundleError, UserError
from plimsoll.events import Rule
from plimsoll.job import Job, Task
from plimsoll.members import check, parse_json
from plimsoll.ranking import DEPTH
from plimsoll.recipe import Model
from plimsoll.rows import Rows, missing
from plimsoll.schema import ASKING, Kind, Schema

FORMAT = 1
_RECIPE = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class Bundle:
    """``rule`` is how a model that decodes comes to events, None of any other, and ``spelling`` how one that spells comes to symbols.
    ``facts`` holds limits (as texts), measured, machine, metrics, sketches, answers, versions and created; once
    read, digest."""

    job: Job
    schema: Schema
    recipe: str
    knobs: Mapping[str, Any]
    calibration: Calibration
    members: Mapping[str, bytes]
    facts: Mapping[str, Any]
    rule: Rule | None = None
    spelling: Spelling | None = None

    def model(self) -> Model:
        """The model, loaded from the bytes that were checked."""
        from plimsoll.catalogue import load  # read and verify alone need no recipe

        try:
            model = load(self.recipe, self.job, self.schema, self.members)
            _answers(model, self.schema)
            return model
        except UserError:
            raise
        except Exception as fault:  # hostile bytes may bring out anything, of numpy's and ONNX Runtime's making too
            raise BundleError(f"The members are not ones that {self.recipe} wrote: {fault!r}.") from fault


def _answers(model: Model, schema: Schema) -> None:
    """Asks for one row, alone and in a batch: members may be sound arrays and speak of columns that are not there.

    Raises whatever comes of it, and ValueError where an answer is not of the shape that is due.
    """
    nothing = tuple(missing(column) for column in schema.columns)
    many = DEPTH if schema.lists else len(schema.classes) or 1
    alone, batch = model.answer(nothing), model.predict(Rows.of_values(schema, [nothing]))
    if len(alone) != many or batch.size != many:
        raise ValueError(f"{len(alone)} and {batch.size} answers to one row; {many} are due")


class _Member(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    bytes: int
    sha256: str


class _Manifest(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    job: dict[str, Any]
    schema: dict[str, Any]
    recipe: str
    knobs: dict[str, Any]
    calibration: dict[str, Any]
    facts: dict[str, Any]
    members: list[_Member]
    rule: dict[str, Any] | None = None
    spelling: dict[str, Any] | None = None


def of(place: Path) -> Path:
    """The bundle that is meant: the place itself, or the bundle of the run that it is."""
    inner = place / "bundle"
    return inner if inner.is_dir() and not (place / MANIFEST).exists() else place


def write(folder: Path, bundle: Bundle) -> None:
    """Write the bundle as a folder, all of it or nothing. A bundle that stood there is replaced; anything else is not."""
    files = _files(bundle)
    folder = Path(folder)
    if folder.exists() and not (folder / MANIFEST).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: is there already and is not a bundle. Name another folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    old = fresh.with_name(fresh.name + "-old")
    try:
        for name, data in files.items():
            (fresh / name).write_bytes(data)
        fresh.chmod(0o755)
        if folder.exists():
            os.rename(folder, old)
        os.rename(fresh, folder)
    finally:
        if old.exists() and not folder.exists():
            os.rename(old, folder)
        for rest in (fresh, old):
            shutil.rmtree(rest, ignore_errors=True)


def restate(folder: Path, facts: Mapping[str, Any]) -> None:
    """Other facts for a bundle that was written, all of them or none; its members are not touched."""
    place = Path(folder) / MANIFEST
    value = {**msgspec.json.decode(place.read_bytes()), "facts": _stated(facts)}
    _manifest(text := _text(value))
    shared_file.replace(place, text)


def pack(folder: Path, file: Path) -> None:
    """The one-file form (.plimsoll) of a bundle's folder. What cannot be read back is not packed."""
    bundle, file = read(folder), Path(file)
    handle, fresh = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as target:
            pack_files({MANIFEST: (Path(folder) / MANIFEST).read_bytes(), **bundle.members}, target)
        os.chmod(fresh, 0o644)
        os.replace(fresh, file)
    finally:
        Path(fresh).unlink(missing_ok=True)


def read(path: Path | str) -> Bundle:
    """The bundle at a path, every byte of it checked. Raises BundleError with one line that says what is wrong."""
    path = Path(path)
    with opened(path) as (names, take):
        if MANIFEST not in names:
            raise BundleError(f"{path}: holds no {MANIFEST}.")
        text = take(MANIFEST, MOST_MANIFEST)
        manifest = _manifest(text)
        _check_listing(names, manifest.members)
        members = {member.name: _checked(member, take(member.name, member.bytes)) for member in manifest.members}
    bundle = _bundle(manifest, members)
    return replace(bundle, facts={**bundle.facts, "digest": hashlib.sha256(text).hexdigest()})


def _files(bundle: Bundle) -> dict[str, bytes]:
    """The manifest and the members, checked as a reader checks them: what a recipe may not write fails here."""
    listing = [
        {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in sorted(bundle.members.items())
    ]
    value = {
        "format": FORMAT,
        "job": bundle.job.as_json(),
        "schema": bundle.schema.as_json(),
        "recipe": bundle.recipe,
        "knobs": dict(bundle.knobs),
        "calibration": bundle.calibration.as_json(),
        "facts": _stated(bundle.facts),
        "members": listing,
        **({"rule": bundle.rule.as_json()} if bundle.rule is not None else {}),
        **({"spelling": bundle.spelling.as_json()} if bundle.spelling is not None else {}),
    }
    text = _text(value)
    manifest = _manifest(text)
    _check_listing(frozenset((MANIFEST, *bundle.members)), manifest.members)
    _bundle(manifest, {member.name: _checked(member, bundle.members[member.name]) for member in manifest.members})
    return {MANIFEST: text, **bundle.members}


def _stated(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as they are written: what a bundle is told by is told of its manifest, and not in it."""
    return {name: fact for name, fact in facts.items() if name != "digest"}


def _text(value: Mapping[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2)


def _manifest(text: bytes) -> _Manifest:
    value = parse_json(MANIFEST, text, MOST_MANIFEST)
    found = value.get("format") if isinstance(value, dict) else None
    if found != FORMAT:
        raise BundleError(f"{MANIFEST}: is of format {found!r}; this program reads format {FORMAT}.")
    try:
        return msgspec.convert(value, _Manifest)
    except msgspec.ValidationError as fault:
        raise BundleError(f"{MANIFEST}: {fault}.") from None


def _check_listing(names: frozenset[str], members: list[_Member]) -> None:
    """Every member is listed once, is there, and has a name that stays inside."""
    if len(members) > MOST_MEMBERS:
        raise BundleError(f"{MANIFEST}: lists {len(members)} members; {MOST_MEMBERS} is the most.")
    listed = set()
    for member in members:
        if fault := name_fault(member.name):
            raise BundleError(f'{MANIFEST}: the member "{member.name[:100]}" {fault}.')
        # Two names that differ in case are one file on some disks.
        if member.name.casefold() in listed:
            raise BundleError(f"{MANIFEST}: lists {member.name} twice.")
        listed.add(member.name.casefold())
        if member.name not in names:
            raise BundleError(f"{member.name}: is listed in {MANIFEST} but is not there.")
        if member.bytes < 0:
            raise BundleError(f"{MANIFEST}: {member.name} cannot have {member.bytes} bytes.")
    if (total := sum(member.bytes for member in members)) > MOST_BYTES:
        raise BundleError(f"{MANIFEST}: the members take {total} bytes; {MOST_BYTES} is the most.")
    if extra := names - {MANIFEST} - {member.name for member in members}:
        raise BundleError(f'"{min(extra)[:100]}": is in the bundle but not listed in {MANIFEST}.')


def _checked(member: _Member, data: bytes) -> bytes:
    if len(data) != member.bytes:
        found = f"more than {member.bytes}" if len(data) > member.bytes else str(len(data))
        raise BundleError(f"{member.name}: has {found} bytes; {MANIFEST} says {member.bytes}.")
    if hashlib.sha256(data).hexdigest() != member.sha256:
        raise BundleError(f"{member.name}: is not the file that was written: its SHA-256 differs.")
    check(member.name, data)
    return data


def _bundle(manifest: _Manifest, members: Mapping[str, bytes]) -> Bundle:
    if not _RECIPE.fullmatch(manifest.recipe):
        raise BundleError(f'{MANIFEST}: "{manifest.recipe[:80]}" cannot be the name of a recipe.')
    try:
        job, schema = Job.from_json(manifest.job), Schema.from_json(manifest.schema)
        calibration = Calibration.from_json(manifest.calibration)
        rule = None if manifest.rule is None else Rule.from_json(manifest.rule)
        spelling = None if manifest.spelling is None else Spelling.from_json(manifest.spelling)
        [schema.class_value(index) for index in range(len(schema.classes))]
    except (UserError, KeyError, TypeError, ValueError, AttributeError) as fault:
        raise BundleError(f"{MANIFEST}: {fault}") from None
    _agree(job, schema, calibration, rule, spelling)
    return Bundle(job, schema, manifest.recipe, manifest.knobs, calibration, members, manifest.facts, rule, spelling)


def _agree(
    job: Job, schema: Schema, calibration: Calibration, rule: Rule | None, spelling: Spelling | None = None
) -> None:
    classes = len(schema.classes)
    for name, how in (("rule", rule), ("spelling", spelling)):
        if how is not None and (job.decode is None or how.rest >= classes):
            raise BundleError(f"{MANIFEST}: the {name} is not one for this job over {classes} classes.")
    asked = [column.kind for column in schema.columns if column.kind in ASKING]
    due = [Kind.HISTORY] if job.lists is not None else [Kind.QUERY] if job.search is not None else []
    ranks = job.task is Task.RANKING
    if asked != due or ranks != bool(due) or (due and schema.columns[0].kind not in ASKING):
        raise BundleError(f"{MANIFEST}: the columns do not go with the task {job.task.value}.")
    if len(set(schema.names)) != len(schema.names) or len(set(schema.classes)) != classes:
        raise BundleError(f"{MANIFEST}: a column or a class is there twice.")
    known = {Task.BINARY: classes == 2, Task.MULTICLASS: classes > 2}
    if not known.get(job.task, classes == 0):
        raise BundleError(f"{MANIFEST}: {classes} classes do not go with the task {job.task.value}.")
    if not len(calibration.bias) == len(calibration.offsets) == classes:
        raise BundleError(f"{MANIFEST}: the calibration is not one for {classes} classes.")
