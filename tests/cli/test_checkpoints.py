"""Deltas, merge, diff, and what info says of a fine-tuned model. The deltas are made here, from docs/ftl-format.md."""

import hashlib
import json
import os
import struct

import cli_case
from cli_case import HEADS, PLAIN, xyz_of

READOUT = "readouts.0.linear.weight"


def read_safetensors(path):
    """Metadata, and tensors as {name: (dtype, shape, bytes)}."""
    with open(path, "rb") as f:
        content = f.read()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    metadata, data = header.pop("__metadata__"), content[8 + length :]
    return metadata, {k: (t["dtype"], t["shape"], data[slice(*t["data_offsets"])]) for k, t in header.items()}


def write_safetensors(path, metadata, tensors):
    header, data = {"__metadata__": metadata}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def scaled(tensor, factor):
    dtype, shape, content = tensor
    kind = "<%d%s" % (len(content) // (4 if dtype == "F32" else 8), "f" if dtype == "F32" else "d")
    return dtype, shape, struct.pack(kind, *(factor * x for x in struct.unpack(kind, content)))


class Checkpoints(cli_case.CliCase):
    def setUp(self):
        super().setUp()
        os.environ.pop("FROZENTL_PATH", None)
        self.base, self.delta, self.full = self.path("base.ftl"), self.path("delta.ftl"), self.path("full.ftl")

    def fine_tune(self, model=PLAIN, **more):
        """base.ftl, and a model with other readouts as delta.ftl and full.ftl."""
        self.run_it("convert", "--force", model, self.base)
        metadata, tensors = read_safetensors(self.base)
        name = READOUT if model is PLAIN else "readouts.0.linear_2.weight"
        metadata.update(
            foundation=json.dumps({"name": "base.ftl", "sha256": sha256(self.base)}),
            freeze=json.dumps({"freeze": ["f6"], "train": ["radial"], "rates": {"radial": 0.5}}),
            trained=json.dumps([name]),
            dataset=json.dumps({"files": [{"name": "h2.xyz", "frames": 12, "set": "train"}], "sha256": "ab" * 32}),
            training=json.dumps({"epochs": 7, "valid_loss": 0.25}),
        )
        own = {name: scaled(tensors[name], 1.5)}
        tensors.update(own)
        metadata.pop("content_sha256")
        write_safetensors(self.full, metadata, tensors)
        content = metadata["architecture"].encode() + name.encode() + b"\n" + own[name][2]
        metadata.update(kind="delta", buffers="[]", content_sha256=hashlib.sha256(content).hexdigest(), **more)
        write_safetensors(self.delta, metadata, own)

    def test_a_delta_answers_as_the_full_file(self):
        for model in (PLAIN, HEADS):
            self.fine_tune(model)
            full = self.eval_json(self.full, xyz_of(model), "--head", "all")
            self.assertEqual(self.eval_json(self.delta, xyz_of(model), "--head", "all"), full)
            self.assertNotEqual(self.eval_json(self.base, xyz_of(model), "--head", "all"), full)

    def test_merge(self):
        self.fine_tune()
        merged = self.path("merged.ftl")
        self.run_it("merge", self.delta, "-o", merged)
        os.remove(self.base)
        self.run_it("diff", self.full, merged)
        self.assertEqual(self.eval_json(merged, xyz_of(PLAIN)), self.eval_json(self.full, xyz_of(PLAIN)))
        self.assertEqual(read_safetensors(merged)[0]["kind"], "full")
        self.assertEqual(json.loads(read_safetensors(merged)[0]["training"])["epochs"], 7)

        self.refuse(1, ["no delta"], "merge", merged, "-o", self.path("again.ftl"))
        self.refuse(3, ["merged.ftl", "--force"], "merge", self.delta, "-o", merged)
        self.refuse(2, ["-o"], "merge", self.delta)
        self.refuse(2, ["DELTA"], "merge", "-o", merged)

    def test_convert_makes_it_full(self):
        self.fine_tune()
        out = self.path("converted.ftl")
        self.run_it("convert", self.delta, out, "--elements", "H")
        self.assertEqual(read_safetensors(out)[0]["kind"], "full")
        self.assertEqual(read_safetensors(out)[0]["elements"], "H")

    def test_where_the_foundation_is(self):
        self.fine_tune()
        elsewhere = self.path("elsewhere")
        os.mkdir(elsewhere)
        moved = os.path.join(elsewhere, "base.ftl")
        os.rename(self.base, moved)
        self.refuse(1, ["base.ftl", self.folder, "FROZENTL_PATH"], "info", self.delta)
        commands = (["info", self.delta], ["eval", self.delta, xyz_of(PLAIN), "--quiet"], ["diff", self.delta, self.full],
                    ["convert", "--force", self.delta, self.path("o.ftl")],
                    ["merge", "--force", self.delta, "-o", self.path("o.ftl")])  # fmt: skip
        for command in commands:
            self.run_it(*command, code=1)
            self.run_it(*command, "--foundation", moved)
            os.environ["FROZENTL_PATH"] = "/nowhere:" + elsewhere
            self.run_it(*command)
            del os.environ["FROZENTL_PATH"]

    def test_another_foundation(self):
        self.fine_tune()
        right = sha256(self.base)
        self.run_it("convert", "--force", PLAIN, self.base, "--dtype", "float64")
        self.refuse(1, [self.base, right[:12], sha256(self.base)[:12]], "eval", self.delta, xyz_of(PLAIN))
        self.refuse(1, [HEADS, right[:12], sha256(HEADS)[:12]], "info", self.delta, "--foundation", HEADS)

    def test_a_wrong_digest(self):
        self.fine_tune()
        metadata, tensors = read_safetensors(self.delta)
        tensors[READOUT] = scaled(tensors[READOUT], 2)
        write_safetensors(self.delta, metadata, tensors)
        self.refuse(1, ["content_sha256"], "info", self.delta)

    def test_info(self):
        self.fine_tune()
        self.assertNotIn(READOUT, self.run_it("info", self.delta)[0])
        text = self.run_it("info", self.delta, "-v")[0]
        for words in ("a delta", "base.ftl (SHA-256 " + sha256(self.base), "freeze f6; train radial; rates radial x 0.5",
                      "1 tensor\n  " + READOUT, "h2.xyz, frames 12, set train", "ab" * 32, "valid_loss         0.25"):  # fmt: skip
            self.assertIn(words, text)
        info = json.loads(self.run_it("info", self.delta, "--json")[0])
        self.assertTrue(info["delta"])
        self.assertEqual(info["origin"]["training"], {"epochs": 7, "valid_loss": 0.25})
        self.assertEqual(info["origin"]["trained"], [READOUT])
        self.assertFalse(json.loads(self.run_it("info", self.full, "--json")[0])["delta"])

    def test_info_of_odd_provenance(self):
        """Members of other kinds than the format says are shown as they are, never a crash."""
        self.fine_tune()
        metadata, tensors = read_safetensors(self.full)
        metadata.update(freeze='[1, {"a": null}]', trained='{"x": [2]}', dataset="plain", training="[]",
                        foundation='{"name": 3}', other='{"y": {"z": 1}}')  # fmt: skip
        write_safetensors(self.full, metadata, tensors)
        text = self.run_it("info", self.full)[0]
        for words in ("plain", '{"z":1}', "not said"):
            self.assertIn(words, text)

    def test_diff(self):
        self.fine_tune()
        out = self.run_it("diff", self.base, self.base)[0]
        self.assertIn("tensors are the same", out)
        out = self.run_it("diff", self.base, self.full, code=7)[0]
        self.assertIn(READOUT, out)
        self.assertIn("50%", out)
        diff = json.loads(self.run_it("diff", self.base, self.delta, "--json", code=7)[0])
        self.assertFalse(diff["equal"])
        self.assertEqual([t["tensor"] for t in diff["tensors"]], [READOUT])
        self.assertEqual([g["group"] for g in diff["groups"]], ["readout"])
        self.assertAlmostEqual(diff["tensors"][0]["relative_rms"], 0.5, 6)
        values = struct.unpack("<5f", read_safetensors(self.base)[1][READOUT][2])
        self.assertAlmostEqual(diff["tensors"][0]["max"], max(abs(v) for v in values) / 2, 6)
        rms = (sum(v * v for v in values) / 5) ** 0.5 / 2
        self.assertAlmostEqual(diff["tensors"][0]["rms"], rms, 6)
        group = diff["groups"][0]  # with the other readout, which is as it was
        self.assertGreater(group["numbers"], 5)
        self.assertAlmostEqual(group["rms"], rms * (5 / group["numbers"]) ** 0.5, 6)

        self.run_it("convert", self.base, self.path("double.ftl"), "--dtype", "float64")
        diff = json.loads(self.run_it("diff", self.base, self.path("double.ftl"), "--json", code=7)[0])
        self.assertEqual(max(t["max"] for t in diff["tensors"]), 0)
        self.assertEqual(diff["tensors"][0]["dtype"], ["F32", "F64"])
        self.assertEqual(diff["groups"], [])

    def test_diff_of_other_architectures(self):
        diff = json.loads(self.run_it("diff", PLAIN, HEADS, "--json", code=7)[0])
        keys = [line["key"] for line in diff["architecture"]]
        self.assertIn("heads", keys)
        self.assertIn("layers.0.interaction", keys)
        self.assertTrue(diff["only_a"] and diff["only_b"] and diff["shapes"])
        self.refuse(1, ["nowhere"], "diff", PLAIN, self.path("nowhere"))
        self.refuse(2, ["A and B"], "diff", PLAIN)


if __name__ == "__main__":
    cli_case.main()
