"""Encoders out of a folder: a point does not depend on how many pieces a network was settled for, and nothing is read that could do more."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from safetensors.numpy import save_file

from found_toys import WORDS, index, study, texts
from plimsoll import encoder, encoder_files, fused, onnx_check
from plimsoll.encoder import Encoded
from plimsoll.errors import BundleError, TrialError
from plimsoll.finding import QUERY
from plimsoll.job import Documents, Job, Task
from plimsoll.recipes.cross_encoder import RECIPE as CROSS
from plimsoll.recipes.encoder import RECIPE
from plimsoll.schema import Column, Kind, Schema
from plimsoll.testing import folder_toys
from plimsoll.tokens import Tokens

ALL = sorted(word for words in WORDS for word in words)


@pytest.fixture
def networks() -> tuple[Path, Path]:
    one, other = folder_toys.folders(ALL)
    return Path(one), Path(other)


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A table in which the words of a subject lie together."""
    points = np.random.default_rng(0).standard_normal((5, 16))
    table = np.zeros((len(folder_toys.SPECIAL) + len(ALL), 16), dtype=np.float32)
    for at, word in enumerate(ALL):
        table[len(folder_toys.SPECIAL) + at] = points[next(k for k, own in enumerate(WORDS) if word in own)]
    save_file({"embeddings": table}, str(tmp_path / "model.safetensors"))
    (tmp_path / "tokenizer.json").write_text(json.dumps(folder_toys.tokenizer(ALL)))
    return tmp_path


def test_a_point_is_what_the_network_gives_without_padding(networks: tuple[Path, Path]):
    """Held against ONNX Runtime on the file as it is, with as many pieces as there are."""
    session = onnxruntime.InferenceSession(str(networks[0] / "model.onnx"))
    for length in (8, 32):
        coder = encoder_files.coder(str(networks[0]), length)
        (numbers,) = coder.reads.framed("heat1 wing2", length)  # type: ignore[attr-defined]
        given = {"input_ids": np.array([numbers]), "attention_mask": np.ones((1, len(numbers)), np.int64)}
        mean = session.run(None, given)[0][0].mean(axis=0)
        assert np.allclose(coder.query("heat1 wing2"), mean / np.linalg.norm(mean), atol=1e-6)


def test_nothing_is_left_of_what_makes_arrays_of_any_size(networks: tuple[Path, Path]):
    """The file has a shape that is worked out; what is kept is let through into a bundle."""
    raw = (networks[0] / "model.onnx").read_bytes()
    with pytest.raises(BundleError, match='"Shape"'):
        onnx_check.check("model.onnx", raw)
    onnx_check.check("model.onnx", encoder_files.net(str(networks[0]), 16).graph)


def test_a_long_document_is_read_in_parts(networks: tuple[Path, Path]):
    """A word behind what is read at once changes the point, and one behind all parts does not."""
    coder = encoder_files.coder(str(networks[0]), 8)
    start = " ".join(["heat1"] * 6)
    plain = coder.document(start)
    assert not np.allclose(coder.document(f"{start} wing2"), plain, atol=1e-3)
    far = " ".join(["heat1"] * 24)
    assert np.allclose(coder.document(f"{far} wing2"), coder.document(far), atol=1e-6)


def test_a_table_is_looked_up(static: Path):
    coder = encoder_files.coder(str(static), 32)
    assert np.allclose(coder.query("heat1 heat2"), coder.query("heat5"), atol=1e-6)
    assert coder.query("heat1") @ coder.query("wing1") < 0.9
    assert not coder.query("unheard of").any()


def test_rows_of_a_table_may_be_shared_and_weighed(static: Path):
    """As newer files of Model2Vec have it."""
    many = len(folder_toys.SPECIAL) + len(ALL)
    rows = np.eye(2, 4, dtype=np.float32)
    mapping, weights = np.arange(many) % 2, np.linspace(1, 2, many)
    save_file({"embeddings": rows, "mapping": mapping, "weights": weights}, str(static / "model.safetensors"))
    table = encoder_files.coder(str(static), 32).table  # type: ignore[attr-defined]
    assert np.allclose(table, rows[mapping] * weights[:, None].astype(np.float32))


def test_an_encoder_finds_what_it_knows_and_is_loaded_again(static: Path):
    coder, held = encoder_files.coder(str(static), 32), index()
    model = fused.fit(study(), Encoded(coder, held, encoder.points(coder, encoder.whole(texts()))))
    assert model.share > 0
    assert set(model.best("heat1 heat2", 8)["item"].tolist()) == set(range(1, 40, 5))
    again = fused.of(model.arrays(), held, lambda own, at: encoder.of(own, at, model.graphs))
    assert np.array_equal(again.best("gear1 wave2", 9), model.best("gear1 wave2", 9))


def test_prompts_and_pooling_are_read(networks: tuple[Path, Path]):
    folder = networks[0]
    (folder / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": {"query": "heat1 ", "passage": "wing2 "}})
    )
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    coder = encoder_files.coder(str(folder), 16)
    said = coder.said  # type: ignore[attr-defined]
    assert (said.query, said.document, said.pool) == ("heat1 ", "wing2 ", "first")
    assert not coder.query("gear1").any()  # the first piece is the mark of the begin, which lies nowhere
    mean = replace(coder, said=encoder.Said("heat1 ", "wing2 "))  # type: ignore[type-var]
    assert not np.allclose(mean.query("gear1"), mean.document("gear1"), atol=1e-3)  # type: ignore[attr-defined]


def job(**words: str) -> tuple[Job, Schema]:
    return Job("id", task=Task.RANKING, search=Documents(text="text", **words)), Schema(
        (Column(QUERY, Kind.QUERY, distinct=9),), "id"
    )


def test_without_a_folder_it_is_refused_in_words(networks: tuple[Path, Path], static: Path, tmp_path: Path):
    assert "--encoder names a folder" in str(RECIPE.refusal(*job()))
    assert "--cross-encoder names a folder" in str(CROSS.refusal(*job()))
    assert "holds no tokenizer.json" in str(RECIPE.refusal(*job(encoder=str(tmp_path / "none"))))
    assert "holds no model.onnx" in str(CROSS.refusal(*job(cross=str(static))))
    assert RECIPE.refusal(*job(encoder=str(static))) is None
    assert CROSS.refusal(*job(cross=str(networks[1]))) is None


def changed(change: Callable[[dict[str, Any]], None]) -> bytes:
    told = folder_toys.tokenizer(ALL)
    change(told)
    return json.dumps(told).encode()


REGEX = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
HOSTILE: dict[str, tuple[bytes, str]] = {
    "a regular expression": (changed(lambda told: told.update(pre_tokenizer=REGEX)), "regular expression of its own"),
    "one that is hidden in a list": (
        changed(lambda told: told.update(pre_tokenizer={"type": "Sequence", "pretokenizers": [REGEX]})),
        "regular expression of its own",
    ),
    "one to replace": (
        changed(lambda told: told.update(normalizer={"type": "Replace", "pattern": {"Regex": "x*"}, "content": "y"})),
        "regular expression of its own",
    ),
    "a part that nobody knows": (changed(lambda told: told.update(normalizer={"type": "Run"})), 'a part "Run"'),
    "another model": (changed(lambda told: told["model"].update(type="Code")), "no model among"),
    "no model": (b"{}", "no model among"),
    "a list": (b"[1]", "no model among"),
    "no JSON": (b"{", "malformed|truncated"),
    "numbers of pieces that are none": (changed(lambda told: told["model"].update(vocab={"a": -1})), "cannot be read"),
}


@pytest.mark.parametrize(("described", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_a_description_that_could_do_more_is_refused(described: bytes, reason: str):
    with pytest.raises((ValueError, BundleError), match=reason):
        Tokens(described)


def test_numbers_beyond_the_table_are_refused(static: Path):
    """A description with more pieces than the table has rows would look up what is not there."""
    coder, held = encoder_files.coder(str(static), 32), index()
    model = Encoded(coder, held, encoder.points(coder, encoder.whole(texts())))
    arrays, more = model.arrays(), json.dumps(folder_toys.tokenizer([*ALL, "more"])).encode()
    encoder.of(arrays, held, model.graphs)
    with pytest.raises(ValueError, match="table"):
        encoder.of(arrays, held, {"tokenizer.json": more})
    with pytest.raises(ValueError, match="other axes"):
        encoder.of(arrays | {"points": arrays["points"][:, :3].copy()}, held, model.graphs)


def test_a_network_for_another_length_is_told_when_it_is_fitted(networks: tuple[Path, Path]):
    """Some are written for one length alone, whatever they say they take."""
    path = networks[0] / "model.onnx"
    made = onnx.load(str(path))
    made.graph.initializer.append(helper.make_tensor("fixed", onnx.TensorProto.INT64, [2], [1, 7]))
    made.graph.node.insert(0, helper.make_node("Reshape", ["input_ids", "fixed"], ["seven"]))
    made.graph.node[1].input[1] = "seven"
    onnx.save(made, str(path))
    with pytest.raises(TrialError, match=r"model\.onnx cannot be used"):
        encoder_files.coder(str(networks[0]), 16)


def test_an_operator_that_is_not_let_through_is_named(networks: tuple[Path, Path]):
    path = networks[0] / "model.onnx"
    made = onnx.load(str(path))
    made.graph.node[-1].output[0] = "before"
    made.graph.node.append(helper.make_node("Multinomial", ["before"], ["points"], sample_size=3))
    onnx.save(made, str(path))
    with pytest.raises(TrialError, match="cannot be used"):
        encoder_files.coder(str(networks[0]), 16)
