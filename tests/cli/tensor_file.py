# SPDX-License-Identifier: Apache-2.0
"""A small reader and writer of safetensors files; Python's standard library only.

A tensor is (dtype, shape, flat list of numbers), dtype as the format names it: "F32", "F64", "I32", "I64", "U8", "U16".
"""
import json
import struct

CODES = {"F32": "f", "F64": "d", "I32": "i", "I64": "q", "U8": "B", "U16": "H"}


def f32(shape, values):
    return ("F32", list(shape), list(values))


def i32(shape, values):
    return ("I32", list(shape), list(values))


def pack(tensors):
    header, data = {}, b""
    for name, (dtype, shape, values) in tensors.items():
        piece = struct.pack(f"<{len(values)}{CODES[dtype]}", *values)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(piece)]}
        data += piece
    text = json.dumps(header).encode("utf-8")
    return struct.pack("<Q", len(text)) + text + data


def unpack(content):
    (length,) = struct.unpack_from("<Q", content)
    header, data = json.loads(content[8:8 + length]), content[8 + length:]
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        code = CODES[entry["dtype"]]
        values = list(struct.unpack(f"<{(end - begin) // struct.calcsize(code)}{code}", data[begin:end]))
        tensors[name] = (entry["dtype"], entry["shape"], values)
    return tensors
