"""Seeds of deltas for the fuzzer of `.ftl` files, on the seed residual.ftl; they have no content_sha256, so that what the fuzzer
changes is looked at. Standard library only.

    python3 tests/fuzz/make_deltas.py        # writes tests/fuzz/corpus/ftl/delta-*.ftl
"""

import hashlib
import json
import os
import struct

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus", "ftl")
FOUNDATION = "residual.ftl"
READOUT, RADIAL = "readouts.0.linear.weight", "interactions.0.conv_tp_weights.layer0.weight"


def write(name, metadata, tensors):
    header, data = {"__metadata__": metadata}, b""
    for tensor, (shape, values) in tensors.items():
        content = struct.pack("<%df" % len(values), *values)
        header[tensor] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(FOLDER, name), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def main():
    with open(os.path.join(FOLDER, FOUNDATION), "rb") as f:
        content = f.read()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    metadata = header["__metadata__"]
    metadata.pop("content_sha256", None)
    digest = hashlib.sha256(content).hexdigest()
    metadata.update(kind="delta", buffers="[]", foundation=json.dumps({"name": FOUNDATION, "sha256": digest}))
    (n,), (rows, columns) = header[READOUT]["shape"], header[RADIAL]["shape"]
    write("delta-whole.ftl", metadata, {READOUT: ([n], [0.5] * n)})
    factors = {RADIAL + ".lora_A": ([rows, 1], [0.25] * rows), RADIAL + ".lora_B": ([1, columns], [1.0] * columns)}
    write("delta-lora.ftl", metadata, factors)


if __name__ == "__main__":
    main()
