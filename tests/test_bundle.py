"""A bundle reads back as it was written, and a hostile one is refused for its own reason."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from safetensors.numpy import save as save_arrays

from plimsoll import archive, bundle, meter, onnx_check
from plimsoll.errors import BundleError, UserError
from plimsoll.members import check, parse_json
from serving_toys import ECHO, Echo, find, toy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bundle.write(tmp_path / "b", toy())
    return tmp_path / "b"


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads((folder / "bundle.json").read_text())
    change(value)
    (folder / "bundle.json").write_text(json.dumps(value))


def put(folder: Path, name: str, data: bytes) -> None:
    """A member with an honest hash: only what it holds is wrong."""
    (folder / name).write_bytes(data)
    listed = {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    edit(folder, lambda v: v["members"].append(listed))


def refused(path: Path, reason: str) -> None:
    with pytest.raises(BundleError, match=reason) as caught:
        bundle.read(path)
    assert "\n" not in str(caught.value)


def test_what_is_read_is_what_was_written(folder: Path) -> None:
    """Every part of a bundle comes back equal, with the digest of its manifest beside its facts."""
    written, found = toy(), bundle.read(folder)
    assert found.job.as_json() == written.job.as_json()
    assert (found.schema, found.calibration) == (written.schema, written.calibration)
    assert (found.recipe, found.knobs, found.members) == (written.recipe, written.knobs, written.members)
    digest = hashlib.sha256((folder / "bundle.json").read_bytes()).hexdigest()
    assert found.facts == {**written.facts, "digest": digest}


def test_one_file_holds_the_same_bundle(folder: Path, tmp_path: Path) -> None:
    """The folder and its packed form read as equal bundles, and packing twice gives equal bytes."""
    bundle.pack(folder, tmp_path / "b.plimsoll")
    bundle.pack(folder, tmp_path / "c.plimsoll")
    assert bundle.read(tmp_path / "b.plimsoll") == bundle.read(folder)
    assert (tmp_path / "b.plimsoll").read_bytes() == (tmp_path / "c.plimsoll").read_bytes()


def test_a_number_and_many_classes_come_back_too(tmp_path: Path) -> None:
    """Bundles of a regression and of three classes read back."""
    for name, classes in (("r", ()), ("m", ("1", "2", "3"))):
        bundle.write(tmp_path / name, toy(classes, "integer" if classes else "text"))
        assert bundle.read(tmp_path / name).schema.classes == classes


def test_size_counts_every_byte_on_disk(folder: Path) -> None:
    """The size of a folder, as it is metered, is the sum over its files."""
    assert meter.size(folder) == sum(len(p.read_bytes()) for p in folder.iterdir())


def test_a_bundle_replaces_a_bundle_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    """Writing over a bundle replaces all of it; a folder of the user's own is left alone; nothing is left behind."""
    bundle.write(folder, toy(members={"echo.json": b"{}"}))
    assert sorted(p.name for p in folder.iterdir()) == ["bundle.json", "echo.json"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match="is not a bundle"):
        bundle.write(tmp_path / "mine", toy())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b", "mine"]


def test_other_facts_are_stated_and_nothing_else_changes(folder: Path) -> None:
    """As if it had been written with them, to the last byte."""
    before = bundle.read(folder)
    told = {**before.facts, "size": 12345678}
    bundle.restate(folder, told)
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    bundle.write(folder, replace(before, facts=told))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """A model that saves a pickle is refused as it is written, and no folder appears."""
    with pytest.raises(BundleError, match="is a pickle"):
        bundle.write(tmp_path / "b", toy(members={"echo.json": pickle.dumps({"weight": 1})}))
    assert list(tmp_path.iterdir()) == []


def test_the_model_comes_from_the_checked_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member changed on disk after reading changes nothing in the loaded model."""
    monkeypatch.setattr("plimsoll.catalogue.find", find)
    found = bundle.read(folder)
    (folder / "echo.json").write_bytes(b'{"weight": 9e9}')
    assert found.model().members() == {"echo.json": b'{"weight": 1.0}'}


def test_members_of_another_recipe_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe that cannot read its members gives a clear error, not a traceback of its own."""
    monkeypatch.setattr("plimsoll.catalogue.find", find)
    bundle.write(folder, toy(members={"echo.json": b"[]"}))
    with pytest.raises(BundleError, match="not ones that echo wrote"):
        bundle.read(folder).model()


@pytest.mark.parametrize("fault", ["of other columns", "of one answer"])
def test_a_model_that_cannot_answer_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """Members may load and yet speak of columns that are not there: that is found before anybody is answered."""
    schema = toy().schema
    other = replace(schema, columns=schema.columns[:2]) if fault == "of other columns" else replace(schema, classes=())
    recipe = replace(ECHO, load=lambda job, schema, members: Echo(other, 1.0))
    monkeypatch.setattr("plimsoll.catalogue.find", lambda name: recipe)
    with pytest.raises(BundleError, match="not ones that echo wrote"):
        bundle.read(folder).model()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil.json", "outside the bundle"),
        ("a/../../evil.json", "outside the bundle"),
        ("/etc/evil.json", "outside the bundle"),
        ("..\\evil.json", "backslash or a drive"),
        ("C:evil.json", "backslash or a drive"),
        ("sub/evil.json", "not a plain file name"),
        ("evil\x00.json", "not a plain file name"),
        (".hidden.json", "not a plain file name"),
        ("x" * 200 + ".json", "not a plain file name"),
        ("bundle.json", "the bundle's own"),
        ("model.pkl", "ends in none of"),
        ("model.txt", "ends in none of"),
    ],
)
def test_a_name_that_leaves_the_bundle_is_refused(folder: Path, tmp_path: Path, name: str, reason: str) -> None:
    """A member's name is refused, in the manifest and as an entry of one file, even where the file exists."""
    (tmp_path / "evil.json").write_bytes(b"{}")
    edit(folder, lambda v: v["members"][1].update(name=name))
    refused(folder, reason)
    if name != "bundle.json" and "\x00" not in name:
        zipped(folder, tmp_path / "z", lambda z: z.writestr(name, b"{}"))
        refused(tmp_path / "z", reason)


def test_links_are_refused(folder: Path, tmp_path: Path) -> None:
    """A symbolic link, a hard link, and a pipe are refused, each in its own words."""
    data = (folder / "echo.json").read_bytes()
    (tmp_path / "outside.json").write_bytes(data)
    (folder / "echo.json").unlink()
    (folder / "echo.json").symlink_to(tmp_path / "outside.json")
    refused(folder, r"echo\.json: is a link")
    (folder / "echo.json").unlink()
    os.link(tmp_path / "outside.json", folder / "echo.json")
    refused(folder, r"echo\.json: has 2 hard links")
    (folder / "echo.json").unlink()
    os.mkfifo(folder / "echo.json")
    refused(folder, "not a plain file")


def test_a_manifest_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    """The manifest itself may not be a link."""
    os.rename(folder / "bundle.json", tmp_path / "m.json")
    (folder / "bundle.json").symlink_to(tmp_path / "m.json")
    refused(folder, r"bundle\.json: is a link")


def test_the_listing_and_the_files_agree(folder: Path) -> None:
    """A file that is not listed, a folder, a listed file that is missing, and one listed twice are refused."""
    (folder / "more.json").write_bytes(b"{}")
    refused(folder, '"more.json": is in the bundle but not listed')
    (folder / "more.json").unlink()
    (folder / "sub").mkdir()
    refused(folder, '"sub": is in the bundle but not listed')
    (folder / "sub").rmdir()
    edit(folder, lambda v: v["members"].append({**v["members"][1], "name": "ECHO.json"}))
    refused(folder, "lists ECHO.json twice")
    edit(folder, lambda v: v["members"].pop())
    (folder / "echo.json").unlink()
    refused(folder, r"echo\.json: is listed in bundle.json but is not there")


def test_sizes_and_hashes_are_checked(folder: Path) -> None:
    """A member that is longer, shorter or other than the manifest says is refused."""
    data = (folder / "echo.json").read_bytes()
    (folder / "echo.json").write_bytes(data + b" ")
    refused(folder, f"has more than {len(data)} bytes")
    (folder / "echo.json").write_bytes(data[:-1])
    refused(folder, f"has {len(data) - 1} bytes; bundle.json says {len(data)}")
    (folder / "echo.json").write_bytes(data.replace(b"1.0", b"2.0"))
    refused(folder, "its SHA-256 differs")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "is of format 2; this program reads format 1"),
        ({"format": "1"}, "is of format '1'"),
        ({"recipe": "../trees"}, "cannot be the name of a recipe"),
        ({"recipe": "os.system"}, "cannot be the name of a recipe"),
        ({"recipe": ""}, "cannot be the name of a recipe"),
        ({"code": "x"}, "unknown field `code`"),
        ({"knobs": []}, r"Expected `object`, got `array` - at `\$.knobs`"),
        ({"job": {"predict": "y", "task": "magic"}}, "is missing or not of the right type"),
        ({"schema": {}}, "not one that Plimsoll wrote"),
        ({"calibration": {}}, "bias"),
        (
            {"calibration": {"scale": 1, "bias": [0], "offsets": [0], "radius": 0, "coverage": 0.9}},
            "not one for 2 classes",
        ),
        (
            {"members": [{"name": f"m{k}.json", "bytes": 1, "sha256": ""} for k in range(65)]},
            "65 members; 64 is the most",
        ),
        ({"members": [{"name": "echo.json", "bytes": 3_000_000_000, "sha256": ""}]}, "2000000000 is the most"),
        ({"members": [{"name": "echo.json", "bytes": -1, "sha256": ""}]}, "cannot have -1 bytes"),
        ({"members": [{"name": "echo.json", "bytes": 1.5, "sha256": ""}]}, "Expected `int`"),
    ],
)
def test_a_manifest_of_another_shape_is_refused(folder: Path, change: dict[str, Any], reason: str) -> None:
    """Each wrong part of the manifest has its own reason."""
    edit(folder, lambda v: v.update(change))
    refused(folder, reason)


def test_classes_agree_with_the_job(folder: Path) -> None:
    """Classes that are doubled, too few for the task, or not of their type are refused."""
    edit(folder, lambda v: v["schema"].update(classes=["no", "no"]))
    refused(folder, "a column or a class is there twice")
    edit(folder, lambda v: v["schema"].update(classes=["a", "b", "c"]))
    refused(folder, "3 classes do not go with the task binary")
    edit(folder, lambda v: v["schema"].update(classes=["a", "b"], class_type="integer"))
    refused(folder, "invalid literal for int")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b'{"format": NaN}', "malformed"),
        (b'{"format": 1e999}', "out of range"),
        (b'{"format": "\xff"}', "utf-8"),
        (b"[" * 100_000 + b"]" * 100_000, "nested deeper than 64"),
        (b"[" * 65 + b"]" * 65, "nested deeper than 64"),
        (b"[]", "is of format None"),
        (b" " * (16 * 2**20 + 1), "16777216 is the most"),
    ],
)
def test_a_manifest_that_is_no_sound_json_is_refused(folder: Path, text: bytes, reason: str) -> None:
    """Malformed, infinite, deep, wrong and huge JSON is refused, each for its reason."""
    (folder / "bundle.json").write_bytes(text)
    refused(folder, reason)


def test_a_place_that_holds_no_bundle_is_refused(tmp_path: Path) -> None:
    """Nothing there, an empty folder, and a file of another sort are each named."""
    refused(tmp_path / "none", "cannot be read: No such file")
    refused(tmp_path, "holds no bundle.json")
    (tmp_path / "x.plimsoll").write_bytes(b"hello" * 20)
    refused(tmp_path / "x.plimsoll", "neither a bundle's folder nor its one file")


def zipped(
    folder: Path, target: Path, more: Callable[[zipfile.ZipFile], object] = lambda _: None, how: int = 0
) -> None:
    with zipfile.ZipFile(target, "w", how) as made:
        for path in sorted(folder.iterdir()):
            made.write(path, path.name)
        more(made)


def test_a_compressed_entry_is_refused(folder: Path, tmp_path: Path) -> None:
    """A bomb needs compression, so nothing in a bundle is compressed."""
    zipped(folder, tmp_path / "z", how=zipfile.ZIP_DEFLATED)
    refused(tmp_path / "z", "is compressed")


def test_a_doubled_entry_is_refused(folder: Path, tmp_path: Path) -> None:
    """Two entries of one name could be read as one thing and checked as another."""
    with pytest.warns(UserWarning, match="Duplicate name"):
        zipped(folder, tmp_path / "z", lambda z: z.writestr("echo.json", b"{}"))
    refused(tmp_path / "z", "echo.json is there twice")


def test_a_link_in_one_file_is_refused(folder: Path, tmp_path: Path) -> None:
    """An entry that says it is a symbolic link is refused."""
    info = zipfile.ZipInfo("link.json")
    info.external_attr = 0o120777 << 16
    zipped(folder, tmp_path / "z", lambda z: z.writestr(info, b"/etc/passwd"))
    refused(tmp_path / "z", r"link\.json: is a link")


def test_one_file_has_few_entries_and_a_small_directory(folder: Path, tmp_path: Path) -> None:
    """The entries are counted before any of them is looked at."""
    zipped(folder, tmp_path / "z", lambda z: [z.writestr(f"m{k}.json", b"") for k in range(70)])
    refused(tmp_path / "z", "more than 64 members")
    for k in range(70):
        (folder / f"m{k}.json").write_bytes(b"")
    refused(folder, "more than 64 members")


def patched(path: Path, mark: bytes, name: bytes, place: int, value: bytes) -> None:
    """One file with a field of an entry's header overwritten, in the directory or beside the data."""
    data = bytearray(path.read_bytes())
    head = {b"PK\x01\x02": 46, b"PK\x03\x04": 30}[mark]
    start = next(k for k in range(len(data)) if data[k : k + 4] == mark and data[k + head :].startswith(name))
    data[start + place : start + place + len(value)] = value
    path.write_bytes(bytes(data))


def test_one_file_that_lies_about_sizes_is_refused(folder: Path, tmp_path: Path) -> None:
    """An entry that declares other sizes than it takes, or than the manifest says, is refused."""
    zipped(folder, tmp_path / "z")
    patched(tmp_path / "z", b"PK\x01\x02", b"echo.json", 24, struct.pack("<L", 2**31))
    refused(tmp_path / "z", "declares 2147483648 bytes but takes")
    zipped(folder, tmp_path / "y")
    patched(tmp_path / "y", b"PK\x01\x02", b"echo.json", 20, struct.pack("<LL", 2**31, 2**31))
    refused(tmp_path / "y", "declares 2147483648 bytes; 15 were expected")


def test_a_damaged_file_is_refused(folder: Path, tmp_path: Path) -> None:
    """A cut file, another name beside the data, and an encrypted entry are refused."""
    bundle.pack(folder, tmp_path / "z")
    whole = (tmp_path / "z").read_bytes()
    (tmp_path / "z").write_bytes(whole[:-30])
    refused(tmp_path / "z", "neither a bundle's folder nor its one file")
    (tmp_path / "z").write_bytes(whole)
    patched(tmp_path / "z", b"PK\x03\x04", b"echo.json", 30, b"evil")
    refused(tmp_path / "z", "damaged")
    (tmp_path / "z").write_bytes(whole)
    patched(tmp_path / "z", b"PK\x01\x02", b"echo.json", 8, b"\x01")
    refused(tmp_path / "z", "is encrypted")


@pytest.mark.parametrize("name", ["m.json", "m.safetensors", "m.onnx", "m.arrow"])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_under_any_name_is_refused(folder: Path, name: str, protocol: int) -> None:
    """A pickle of any protocol is refused as a pickle, and never run."""

    class Attack:
        def __reduce__(self) -> Any:
            return os._exit, (1,)

    put(folder, name, pickle.dumps(Attack(), protocol))
    refused(folder, "is a pickle")


@pytest.mark.parametrize("name", ["m.json", "m.safetensors", "m.onnx", "m.arrow"])
def test_a_zip_under_any_name_is_refused(folder: Path, name: str) -> None:
    """A zip, as torch and joblib write them, is refused as one."""
    put(folder, name, b"PK\x03\x04" + b"\0" * 60)
    refused(folder, "is a zip")


def test_a_sound_header_that_begins_like_a_pickle_is_let_through() -> None:
    """A safetensors header of 1,152 bytes begins with the two bytes of a pickle of protocol 4, and is none."""
    pad = next(k for k in range(1200) if save_arrays({"w": np.zeros(2)}, {"x": "y" * k})[:2] == b"\x80\x04")
    check("m.safetensors", save_arrays({"w": np.zeros(2)}, {"x": "y" * pad}))


def tensors(data: bytes = b"\0" * 16, **header: Any) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


W = {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no header"),
        ((2**60).to_bytes(8, "little") + b"{}", "no header"),
        (tensors(w={**W, "dtype": "F16"}), "is of type F16"),
        (tensors(w={**W, "dtype": "object"}), "is of type object"),
        (tensors(w={**W, "shape": [3]}), "has 16 bytes; its shape says 24"),
        (tensors(w={**W, "shape": [-2]}), "its shape says -16"),
        (tensors(w={**W, "shape": [-1, -2]}), "its shape says 16"),
        (tensors(w={**W, "data_offsets": [8, 24]}), "does not begin where"),
        (tensors(w=W, v=W), "does not begin where"),
        (tensors(b"\0" * 24, w=W), "holds 24 bytes of tensors; the header says 16"),
        (tensors(b"\0" * 8, w=W), "holds 8 bytes of tensors; the header says 16"),
        (tensors(w={**W, "code": 1}), "unknown field `code`"),
        (tensors(w={**W, "shape": [1e999]}), "malformed"),
    ],
)
def test_arrays_with_a_wrong_header_are_refused(folder: Path, data: bytes, reason: str) -> None:
    """Types that are not numbers, sizes that do not fit, gaps and overlaps are refused."""
    put(folder, "m.safetensors", data)
    refused(folder, reason)


@pytest.mark.parametrize("text", [b"[NaN]", b"[Infinity]", b"[1e999]", b"{", b"[\xff]", b"[" * 70 + b"]" * 70])
def test_a_member_of_bad_json_is_refused(folder: Path, text: bytes) -> None:
    """Numbers that are not finite, broken text and deep nesting are refused in members too."""
    put(folder, "m.json", text)
    refused(folder, r"m\.json: ")


def test_large_json_is_refused_before_it_is_parsed() -> None:
    """Parsed JSON takes many times its length, so its length is capped."""
    with pytest.raises(BundleError, match="100 is the most"):
        parse_json("m.json", b"[" + b"0," * 100 + b"0]", 100)


def test_an_arrow_file_has_its_marks(folder: Path) -> None:
    """What does not begin and end as an Arrow file is refused."""
    put(folder, "m.arrow", b"ARROW1\0\0" + b"x" * 30)
    refused(folder, "not an Arrow file")


def model(*nodes: onnx.NodeProto, domain: str = "", **parts: Any) -> onnx.ModelProto:
    shape = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in "xy"]
    graph = helper.make_graph(list(nodes), "g", shape[:1], shape[1:], parts.pop("initializer", []))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid(domain, 20)], **parts)


WEIGHTS = helper.make_tensor("w", TensorProto.FLOAT, [2, 2], [1.0, 2.0, 3.0, 4.0])
TREE = helper.make_node(
    "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=1, nodes_modes=["LEAF"], nodes_values=[0.5]
)
INNER = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "inner", [], [])


def test_a_plain_graph_is_let_through(folder: Path) -> None:
    """Trees and matrices of the standard domains pass."""
    put(
        folder,
        "m.onnx",
        model(helper.make_node("MatMul", ["x", "w"], ["y"]), initializer=[WEIGHTS]).SerializeToString(),
    )
    put(folder, "n.onnx", model(TREE, domain="ai.onnx.ml").SerializeToString())
    assert {"m.onnx", "n.onnx"} < set(bundle.read(folder).members)


def outside() -> onnx.TensorProto:
    tensor = TensorProto(name="w", data_type=1, dims=[2, 2], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../secret")
    return tensor


def with_function() -> onnx.ModelProto:
    made = model(helper.make_node("Identity", ["x"], ["y"]))
    made.functions.add(name="f", domain="mine")
    return made


def with_sparse() -> onnx.ModelProto:
    made = model(helper.make_node("Identity", ["x"], ["y"]))
    made.graph.sparse_initializer.add(dims=[2**40])
    return made


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        *(
            (model(helper.make_node(word, ["x"], ["y"])), f'the operator "{word}"')
            for word in ("Loop", "Scan", "If", "ConstantOfShape", "Expand", "Tile", "Range", "Einsum", "SequenceMap")
        ),
        (model(helper.make_node("Identity", ["x"], ["y"], body=INNER)), "a graph inside a node"),
        (model(helper.make_node("Identity", ["x"], ["y"], bodies=[INNER])), "a graph inside a node"),
        (model(helper.make_node("Identity", ["x"], ["y"], domain="com.microsoft")), 'the domain "com.microsoft"'),
        (model(helper.make_node("Identity", ["x"], ["y"]), domain="mine"), 'the domain "mine"'),
        (model(helper.make_node("Identity", ["x"], ["y"]), initializer=[outside()]), "from another file"),
        (model(helper.make_node("Identity", ["x"], ["y"], value=outside())), "from another file"),
        (model(*[helper.make_node("Identity", ["x"], ["y"])] * 2001), "2000 is the most"),
        (with_function(), "functions of its own"),
        (with_sparse(), "sparse tensors"),
        (onnx.ModelProto(ir_version=9), "holds no graph"),
        (model(onnx.NodeProto(input=["x"])), "a node without an operator"),
    ],
)
def test_a_graph_that_could_do_more_is_refused(folder: Path, made: onnx.ModelProto, reason: str) -> None:
    """Operators off the list, graphs in graphs, functions, other domains and other files are refused."""
    put(folder, "m.onnx", made.SerializeToString())
    refused(folder, reason)


def test_a_second_operator_in_one_node_is_seen() -> None:
    """Protobuf keeps the last of two values, so a bad one is seen wherever it stands."""
    good = model(helper.make_node("Identity", ["x"], ["y"])).SerializeToString()
    merged = good + onnx.ModelProto(graph=onnx.GraphProto(node=[onnx.NodeProto(op_type="Loop")])).SerializeToString()
    assert [node.op_type for node in onnx.load_from_string(merged).graph.node] == ["Identity", "Loop"]
    with pytest.raises(BundleError, match='"Loop"'):
        onnx_check.check("m.onnx", merged)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_let_through_and_never_crash(data: bytes) -> None:
    """Whatever a member holds, the check ends in silence or in a BundleError."""
    for name in ("m.json", "m.safetensors", "m.onnx", "m.arrow"):
        try:
            check(name, data)
        except BundleError:
            continue


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_a_graph_with_changed_bytes_never_crashes_the_check(place: int, change: bytes) -> None:
    """A damaged graph is refused or let through, and no other error comes out."""
    data = bytearray(model(TREE, domain="ai.onnx.ml").SerializeToString())
    place %= len(data)
    data[place : place + len(change)] = change
    try:
        onnx_check.check("m.onnx", bytes(data))
    except BundleError:
        return


def test_names_that_are_let_through_stay_inside() -> None:
    """Names of every known ending pass."""
    assert [archive.name_fault(f"m{ending}") for ending in archive.ENDINGS] == [None] * 4


def test_reading_and_serving_load_nothing_heavy() -> None:
    """The light install is enough: no pickle reader of arrays, no data frame, no trainer and no onnx is imported."""
    heavy = ["polars", "pandas", "scipy", "sklearn", "lightgbm", "onnx", "torch", "pyarrow", "joblib"]
    code = f"import sys, plimsoll.serve.server, plimsoll.bundle; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
