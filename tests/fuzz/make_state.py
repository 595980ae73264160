#!/usr/bin/env python3
"""A small training state as a seed: tests/fuzz/make_state.py tests/fuzz/corpus/state/small.ftl"""

import hashlib
import json
import struct
import sys

data = struct.pack("<6d", 1, -2.5, 0, 1e-3, float("nan"), 4)
header = {
    "__metadata__": {"kind": "training state", "format_version": "1", "sha256": "0" * 64,
                     "state": json.dumps({"epoch": 3, "foundation_sha256": "", "dataset": [{"name": "a", "frames": 2}]})},
    "values": {"dtype": "F64", "shape": [4], "data_offsets": [0, 32]},
    "baseline": {"dtype": "F64", "shape": [2], "data_offsets": [32, 48]},
}  # fmt: skip
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
text = text.replace(b"0" * 64, hashlib.sha256(text + data).hexdigest().encode())
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + data)
