"""Toys of what others train: folders with a network that makes points of texts, and with one that reads two texts together.

Their graphs are made for texts of any length, as those of others are: with shapes that are worked out while they run.
"""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.text_net import INPUTS

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
AXES = 24


def folders(words: Sequence[str]) -> tuple[str, str]:
    """An encoder in whose space each of these words lies somewhere by itself, and a network that counts the words that two texts
    share; folders that are gone when the program ends."""
    home = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    encoder, cross = home / "encoder", home / "cross"
    for folder, graph in ((encoder, points(len(SPECIAL) + len(words))), (cross, shared())):
        folder.mkdir()
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer(words)), encoding="utf-8")
        (folder / "model.onnx").write_bytes(graph)
    return str(encoder), str(cross)


def tokenizer(words: Sequence[str]) -> dict[str, Any]:
    """A description of what reads texts word by word, and marks where they begin and end."""
    numbers = {word: number for number, word in enumerate((*SPECIAL, *words))}
    begin, end = ({"SpecialToken": {"id": name, "type_id": 0}} for name in SPECIAL[2:])
    one, other = ({"Sequence": {"id": name, "type_id": number}} for number, name in enumerate("AB"))
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [begin, one, end],
            "pair": [begin, one, end, other],
            "special_tokens": {
                name: {"id": name, "ids": [numbers[name]], "tokens": [name]} for name in (SPECIAL[2], SPECIAL[3])
            },
        },
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": numbers, "unk_token": SPECIAL[1]},
    }


def points(pieces: int) -> bytes:
    """The graph of a point for each piece: those of begin, end and what is not known lie nowhere."""
    table = np.random.default_rng(5).standard_normal((pieces, AXES)).astype(np.float32)
    table[: len(SPECIAL)] = 0.0
    nodes = [
        ("Gather", ["table", INPUTS[0]], "looked_up"),
        ("Shape", ["looked_up"], "shape"),
        ("Unsqueeze", [INPUTS[1], "last"], "column"),
        ("Expand", ["column", "shape"], "whole"),
        ("Cast", ["whole"], "kept", {"to": 1}),
        ("Mul", ["looked_up", "kept"], "points"),
    ]
    return _graph(nodes, {"table": table, "last": np.array([2])}, "points", INPUTS[:2])


def shared() -> bytes:
    """The graph of how many pieces two texts share, shape (1, 1)."""
    nodes = [
        ("Unsqueeze", [INPUTS[0], "last"], "down"),
        ("Unsqueeze", [INPUTS[0], "middle"], "across"),
        ("Equal", ["down", "across"], "same"),
        ("Cast", ["same"], "alike", {"to": 1}),
        ("Mul", [INPUTS[1], INPUTS[2]], "other"),
        ("Sub", [INPUTS[1], "other"], "one"),
        ("Unsqueeze", ["one", "last"], "one_down"),
        ("Unsqueeze", ["other", "middle"], "other_across"),
        ("Mul", ["one_down", "other_across"], "both"),
        ("Cast", ["both"], "counted", {"to": 1}),
        ("Mul", ["alike", "counted"], "found"),
        ("ReduceSum", ["found", "sides"], "summed", {"keepdims": 0}),
        ("Unsqueeze", ["summed", "middle"], "logits"),
    ]
    return _graph(nodes, {"last": np.array([2]), "middle": np.array([1]), "sides": np.array([1, 2])}, "logits", INPUTS)


def _graph(nodes: Sequence[Any], held: dict[str, Any], given: str, taken: Sequence[str]) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    made = helper.make_graph(
        [helper.make_node(kind, inputs, [output], **dict(*rest)) for kind, inputs, output, *rest in nodes],
        "toy",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"]) for name in taken],
        [helper.make_tensor_value_info(given, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in held.items()],
    )
    versions = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(made, opset_imports=versions, ir_version=8).SerializeToString())
