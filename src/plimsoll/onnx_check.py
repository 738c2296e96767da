"""May this ONNX graph be run? Read from the bytes, for the onnx package is too heavy to serve with.

A graph is code: a few bytes of it can loop for ever or take all memory. Only operators that compute a table model or a
net over signals or text, of two domains, are let through; no graph in a graph, no function, no data from other files, and none
of the operators that make arrays of any size out of a few numbers (Expand, Tile, Range, ConstantOfShape). What is put
around an array (Pad, and the pads of a convolution) is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator

from plimsoll.errors import BundleError

_ENSEMBLES = "TreeEnsembleRegressor TreeEnsembleClassifier LinearRegressor LinearClassifier Scaler Normalizer"
_ARITHMETIC = "MatMul Gemm Add Sub Mul Div Neg Sqrt Exp Log Clip Softmax LogSoftmax Sigmoid Tanh Relu"
_SHAPES = "Identity Cast Reshape Flatten Squeeze Unsqueeze Transpose Concat Gather ArrayFeatureExtractor"
_NETS = "Conv GRU LSTM RNN BatchNormalization LayerNormalization InstanceNormalization MaxPool AveragePool GlobalAveragePool GlobalMaxPool"
_POINTWISE = (
    "Abs Pow Reciprocal Erf Elu Selu Gelu LeakyRelu PRelu HardSigmoid HardSwish Softplus Softsign Max Min Sum Mean"
)
_SUMS = "ReduceMean ReduceSum ReduceMax ReduceMin ReduceSumSquare ReduceL2 ReduceLogSumExp Slice Split Pad"
_WHOLE = "QuantizeLinear DequantizeLinear DynamicQuantizeLinear ConvInteger MatMulInteger QLinearConv QLinearMatMul"
_MASKS = "Where Equal Less Greater And Or Not"
OPERATORS = frozenset(f"{_ENSEMBLES} {_ARITHMETIC} {_SHAPES} {_NETS} {_POINTWISE} {_SUMS} {_WHOLE} {_MASKS}".split())
DOMAINS = frozenset(("", "ai.onnx", "ai.onnx.ml"))
MOST_NODES = 2_000
MOST_PAD = 4_096  # numbers put before or after an axis

Field = tuple[int, int, memoryview, int]  # number, wire type, bytes (empty for a number), number (0 for bytes)


def check(name: str, data: bytes) -> None:
    """Raises BundleError with the first thing in the graph that is not let through."""
    try:
        graphs = _model(memoryview(data))
        if not graphs:
            raise BundleError("holds no graph")
        for graph in graphs:
            _graph(graph)
    except (IndexError, UnicodeDecodeError):
        raise BundleError(f"{name}: is not an ONNX model: it ends too early, or holds what no model holds.") from None
    except BundleError as fault:
        raise BundleError(f"{name}: {fault}.") from None


def fields(data: memoryview) -> Iterator[Field]:
    """The fields of one protobuf message.

    >>> [(number, bytes(part), value) for number, _, part, value in fields(memoryview(b"\\x08\\x96\\x01\\x12\\x02hi"))]
    [(1, b'', 150), (2, b'hi', 0)]
    """
    place, end, empty = 0, len(data), data[:0]
    while place < end:
        key, place = _varint(data, place)
        wire = key & 7
        if wire == 0:
            value, place = _varint(data, place)
            yield key >> 3, wire, empty, value
            continue
        if wire == 2:
            length, place = _varint(data, place)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise BundleError("is not an ONNX model: a field has no known type")
        if place + length > end:
            raise IndexError
        yield key >> 3, wire, data[place : place + length], 0
        place += length


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise BundleError("is not an ONNX model: a number is too long")


# Protobuf lets a field stand twice, and the last one wins: so every occurrence is checked, never only one.


def _model(data: memoryview) -> list[memoryview]:
    graphs = []
    for number, wire, part, _ in fields(data):
        _known("the model", number, _MODEL)
        if number == 7 and wire == 2:
            graphs.append(part)
        elif number == 8:
            for inner, _, text, _ in fields(part):
                if inner == 1:
                    _domain(str(text, "utf-8"))
        elif number == 25:
            raise BundleError("defines functions of its own")
        elif number == 20:
            raise BundleError("holds a training graph")
    return graphs


_MODEL = frozenset((1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25))
_GRAPH = frozenset((1, 2, 5, 10, 11, 12, 13, 14, 15, 16))
_NODE = frozenset((1, 2, 3, 4, 5, 6, 7, 9))
_ATTRIBUTE = frozenset((1, 2, 3, 4, 5, 7, 8, 9, 10, 13, 20))
_TENSOR = frozenset((1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16))


def _known(where: str, number: int, known: frozenset[int]) -> None:
    if number not in known:
        raise BundleError(f"{where} has a field {number}, which no model for a table needs")


def _graph(data: memoryview) -> None:
    nodes, pads = 0, set[str]()
    constants: dict[str, list[memoryview]] = {}
    for number, _, part, _ in fields(data):
        _known("the graph", number, _GRAPH)
        if number == 1:
            nodes += 1
            pads |= _node(part)
        elif number == 5:
            _tensor(part)
            for name in _names(part):
                constants.setdefault(name, []).append(part)
        elif number == 15:
            raise BundleError("holds sparse tensors")
    if nodes > MOST_NODES:
        raise BundleError(f"has {nodes} nodes; {MOST_NODES} is the most")
    for name in pads:
        if name not in constants:
            raise BundleError("pads by numbers that are not constant")
        for tensor in constants[name]:
            _padding(_whole_numbers(tensor))


def _names(tensor: memoryview) -> list[str]:
    return [str(part, "utf-8") for number, _, part, _ in fields(tensor) if number == 8]


def _whole_numbers(tensor: memoryview) -> list[int]:
    """What a tensor of 64-bit integers holds, however it is written."""
    found = []
    for number, wire, part, value in fields(tensor):
        if number == 9:
            found += [int.from_bytes(part[k : k + 8], "little", signed=True) for k in range(0, len(part), 8)]
        elif number == 7:
            found += [value] if wire == 0 else _packed(part)
    return found


def _packed(data: memoryview) -> list[int]:
    found, place = [], 0
    while place < len(data):
        value, place = _varint(data, place)
        found.append(value)
    return found


def _padding(numbers: list[int]) -> None:
    if any(not -MOST_PAD <= number <= MOST_PAD for number in numbers):
        raise BundleError(f"pads an axis by more than {MOST_PAD}")


def _node(data: memoryview) -> set[str]:
    """Checks one; the names of what it pads by come back."""
    operator, inputs = "", list[str]()
    for number, wire, part, _ in fields(data):
        _known("a node", number, _NODE)
        if wire != 2:
            raise BundleError("is not an ONNX model: a node's field has a wrong type")
        if number == 4:
            operator = str(part, "utf-8")
            if operator not in OPERATORS:
                raise BundleError(
                    f'uses the operator "{operator[:60]}", which is not on the list of those that are let through'
                )
        elif number == 7:
            _domain(str(part, "utf-8"))
        elif number == 5:
            _attribute(part)
        elif number == 1:
            inputs.append(str(part, "utf-8"))
    if not operator:
        raise BundleError("has a node without an operator")
    return set(inputs[1:2]) if operator == "Pad" else set()


def _attribute(data: memoryview) -> None:
    name, whole = "", list[int]()
    for number, wire, part, value in fields(data):
        if number in (6, 11):
            raise BundleError("holds a graph inside a node")
        _known("an attribute", number, _ATTRIBUTE)
        if number in (5, 10):
            _tensor(part)
        elif number == 1:
            name = str(part, "utf-8")
        elif number == 8:
            whole += [value] if wire == 0 else _packed(part)
    if name == "pads":
        _padding(whole)


def _tensor(data: memoryview) -> None:
    for number, wire, _, value in fields(data):
        if number == 13 or (number == 14 and (wire, value) != (0, 0)):
            raise BundleError("takes a tensor's data from another file")
        _known("a tensor", number, _TENSOR)


def _domain(domain: str) -> None:
    if domain not in DOMAINS:
        raise BundleError(f'uses the domain "{domain[:60]}". Only the standard ones are let through')
