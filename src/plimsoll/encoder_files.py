"""An encoder, or a network that reads two texts together, out of a folder as Hugging Face's tools leave it.

The folder is the user's own. Its network is made for texts of any length, by operators that a bundle does not let through for they
make arrays of any size; with the length settled these can be worked out beforehand, and nothing is left of them.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll import net_written, onnx_check, tokens
from plimsoll.encoder import Coder, Network, Said, Table
from plimsoll.errors import PlimsollError, TrialError
from plimsoll.text_net import TextNet
from plimsoll.tokens import Tokens

Array = NDArray[Any]
_GRAPHS = ("model.onnx", "onnx/model.onnx")
_TABLE = "model.safetensors"
_TABLES = ("embeddings", "embedding.weight")


def lacks(folder: str, graph: bool = False) -> str | None:
    """What a folder has not got that it should have, in words; None where it has all. With ``graph`` a table will not do."""
    if importlib.util.find_spec("tokenizers") is None:
        return "it needs tokenizers: pip install 'plimsoll[encoders]'"
    held = Path(folder)
    if not (held / tokens.MEMBER).is_file():
        return f"{folder} holds no {tokens.MEMBER}"
    names = _GRAPHS if graph else (*_GRAPHS, _TABLE)
    return None if any((held / name).is_file() for name in names) else f"{folder} holds no {' and no '.join(names)}"


def coder(folder: str, length: int) -> Coder:
    """The encoder in a folder: its network if there is one, for texts of ``length`` pieces, else its table. Raises TrialError."""
    held = Path(folder)
    try:
        reads = _reads(held)
        if any((held / name).is_file() for name in _GRAPHS):
            return Network(reads, net(folder, length), _said(held))
        return Table(reads, _table(held / _TABLE, reads.many))
    except (OSError, ValueError) as fault:
        raise TrialError(f"{folder}: {fault}") from None


def pairs(folder: str, length: int) -> tuple[Tokens, TextNet]:
    """The network in a folder that reads two texts together, and what it reads them by. Raises TrialError."""
    try:
        return _reads(Path(folder)), net(folder, length)
    except (OSError, ValueError) as fault:
        raise TrialError(f"{folder}: {fault}") from None


def net(folder: str, length: int) -> TextNet:
    """The network in a folder, for texts of so many pieces. Raises ValueError for one that is none, or does more than is let through."""
    import onnx

    name = next(name for name in _GRAPHS if (Path(folder) / name).is_file())
    try:
        made = onnx.load(str(Path(folder) / name))
        for each in made.graph.input:
            first, second = each.type.tensor_type.shape.dim
            first.dim_value, second.dim_value = 1, length
        del made.graph.value_info[:]
        settled = _pointwise(net_written.plain(made.SerializeToString()))
        onnx_check.check(name, settled)
        found = TextNet(settled)
        found.run([0])  # else one that was made for another length would be told by the first who asks
    except Exception as fault:  # of several libraries, none of which says what it raises
        raise ValueError(f"{name} cannot be used: {' '.join(str(fault).split())[:300]}") from None
    return found


def _pointwise(graph: bytes) -> bytes:
    """The same where what was made as large as a shape that is settled (Expand) is chosen out of itself, as large as an array that is there."""
    import onnx
    from onnx import helper, numpy_helper

    made = onnx.load_model_from_string(graph)
    shapes = {each.name: numpy_helper.to_array(each) for each in made.graph.initializer if len(each.dims) == 1}
    for node in made.graph.node:
        if node.op_type == "Expand" and node.input[1] in shapes:
            name = f"{node.output[0]}.whole"
            whole = np.ones(shapes[node.input[1]].tolist(), dtype=bool)
            made.graph.initializer.append(numpy_helper.from_array(whole, name))
            node.CopyFrom(
                helper.make_node("Where", [name, node.input[0], node.input[0]], [*node.output], name=node.name)
            )
    return bytes(made.SerializeToString(deterministic=True))


def _reads(folder: Path) -> Tokens:
    try:
        return Tokens((folder / tokens.MEMBER).read_bytes())
    except PlimsollError as fault:
        raise ValueError(str(fault)) from None


def _table(path: Path, many: int) -> NDArray[np.float32]:
    """The table of a static encoder; with a row for each piece, or rows and which of them each piece has (and how much it counts)."""
    from safetensors.numpy import load_file

    held = load_file(str(path))
    name = next((name for name in _TABLES if name in held), None)
    if name is None:
        raise ValueError(f"{path.name} holds no {' and no '.join(_TABLES)}")
    table = np.asarray(held[name], dtype=np.float32)
    if "mapping" in held:
        table = table[held["mapping"].astype(np.int64)]
    if "weights" in held:
        table = table * held["weights"].astype(np.float32)[:, None]
    if table.ndim != 2 or len(table) < many or not np.isfinite(table).all():
        raise ValueError(f"{path.name} holds a table of shape {table.shape} for {many} pieces")
    return np.ascontiguousarray(table[:many])


def _said(folder: Path) -> Said:
    """What the files beside a network say of it: its prompts, and what its point is made of."""
    prompts = _json(folder / "config_sentence_transformers.json").get("prompts") or {}
    pooled = _json(folder / "1_Pooling" / "config.json")
    document = prompts.get("document") or prompts.get("passage") or ""
    pool = "first" if pooled.get("pooling_mode_cls_token") else "mean"
    return msgspec.convert({"query": prompts.get("query") or "", "document": document, "pool": pool}, Said)


def _json(path: Path) -> dict[str, Any]:
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Any]) if path.is_file() else {}
