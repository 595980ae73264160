"""SevenNet's checkpoints on the command line: modalities as heads, .ftl, and what is spoilt, which is refused by one sentence that
names the option, tensor or modality.

    python3 tests/cli/test_sevennet.py PATH-OF-frozentl
"""

import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import zipfile

import cli_case
import pickled
import plot_server

TWINS = os.path.join(os.path.dirname(cli_case.HERE), "parity", "sevennet-twins")
PLAIN = os.path.join(TWINS, "s-parity-l3.pth")
MANUAL = os.path.join(TWINS, "s-manual.pth")
FCN = os.path.join(TWINS, "s-fcn.pth")
MODAL = os.path.join(TWINS, "s-modal.pth")  # PBE, R2SCAN, hse
LAST = "1_convolution.weight_nn.layer1.weight"


def xyz_of(model):
    return model[: -len(".pth")] + ".xyz"


def safetensors(path):
    with open(path, "rb") as file:
        content = file.read()
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def set_config(**entries):
    return lambda root: root["config"].update(entries)


class SevenNet(cli_case.CliCase):
    def spoilt(self, change, model=PLAIN, **more):
        path = self.path("spoilt.pth")
        pickled.rewrite(model, path, change, **more)
        return path

    def test_state_dict_without_torch(self):
        """--to sevennet OUT.safetensors: the foundation's numbers come back under sevenn's names, to the bit; of a model with one of
        three modalities, the checkpoint's others stay, and a note says so."""
        python = next((p for p in (plot_server.PYTHON, sys.executable) if os.path.exists(p) and subprocess.run([p, "-c", "import numpy"], capture_output=True).returncode == 0), None)
        if not python:
            self.skipTest("no Python with NumPy: scripts/setup.sh makes build/venv")
        os.environ["FROZENTL_PYTHON"] = python
        self.addCleanup(os.environ.pop, "FROZENTL_PYTHON")
        for model, cut in ((FCN, []), (MODAL, ["--head", "hse"])):
            ftl, out = self.path("model.ftl"), self.path("states.safetensors")
            self.run_it("convert", model, ftl, "--force", *cut)
            said, _ = self.run_it("convert", ftl, "--to", "sevennet", out, "--force", "--foundation", model)
            self.assertEqual("head hse is the model's" in said, bool(cut))
            header, data = safetensors(out)
            header.pop("__metadata__")
            with zipfile.ZipFile(model) as archive:
                storages = {name: archive.read(name) for name in archive.namelist() if "/data/" in name}
            for name, entry in header.items():
                begin, end = entry["data_offsets"]
                self.assertIn(data[begin:end], storages.values(), name)
            self.assertIn("edge_embedding.basis_function.coeffs", header)
        self.refuse(1, ["no checkpoint of sevenn"], "convert", ftl, "--to", "sevennet", self.path("x.safetensors"), "--foundation", ftl)

    def refused(self, words, path):
        """By both commands, and with the file's name."""
        self.refuse(1, ["spoilt", *words], "info", path)
        self.refuse(1, ["spoilt", *words], "eval", path, xyz_of(PLAIN))

    # ---- modalities ----

    def test_modalities(self):
        """None is chosen by itself: their energies differ. sevenn asks for one, too."""
        names = ["PBE", "R2SCAN", "hse"]
        self.refuse(1, ["s-modal.pth", "modalities", ", ".join(names)], "eval", MODAL, xyz_of(MODAL))
        self.refuse(1, ["s-modal.pth", "'pbe'", ", ".join(names)], "eval", MODAL, xyz_of(MODAL), "--head", "pbe")
        self.refuse(1, ['"pbe"', *names], "convert", MODAL, self.path("x.ftl"), "--head", "pbe")
        everything = self.eval_json(MODAL, xyz_of(MODAL), "--head", "all")
        self.assertEqual(sorted({a["head"] for a in everything}), names)
        with open(xyz_of(MODAL)) as f:
            lines = f.read().split("\n")
        lines[1] += " head=hse"
        frame = self.path("one.xyz", "\n".join(lines[: int(lines[0]) + 2]) + "\n")
        self.assertEqual(self.eval_json(MODAL, frame)[0], next(a for a in everything if a["head"] == "hse" and a["frame"] == 0))
        # cut to one, no choice is left
        one = self.path("one.ftl")
        self.run_it("convert", MODAL, one, "--head", "PBE")
        cut = self.eval_json(one, xyz_of(MODAL))
        self.assertEqual(cut, [a for a in everything if a["head"] == "PBE"])

    # ---- files ----

    def test_conversion(self):
        for model in (PLAIN, MANUAL, FCN):
            ftl, double = self.path("m.ftl"), self.path("s.ftl")
            self.run_it("convert", model, ftl)
            want = self.eval_json(model, xyz_of(model))
            self.assertEqual(self.eval_json(ftl, xyz_of(model)), want)
            out, _ = self.run_it("diff", model, ftl)
            self.assertIn("tensors are the same", out)
            self.run_it("convert", ftl, double, "--dtype", "float64")
            self.assertEqual(self.eval_json(double, xyz_of(model)), want)
            os.remove(ftl)
            os.remove(double)
        out, _ = self.run_it("info", "--json", PLAIN)
        self.assertEqual(json.loads(out)["class"], "NequIP")

    def test_elements(self):
        text = "1\nProperties=species:S:1:pos:R:3\nXe 0 0 0\n"
        self.refuse(1, ["line 3", "Xe", "s-parity-l3.pth"], "eval", PLAIN, self.path("xe.xyz", text))
        self.refuse(1, ["Xe"], "convert", PLAIN, self.path("x.ftl"), "--elements", "H,Xe")

    # ---- surrogates ----

    def test_distillation(self):
        """A surrogate sees a model, not a family; the teacher's modality is named, and one that is not is refused before sampling."""
        run = self.path("run")
        told = ["distill", "-m", MODAL, "-o", run, "--n", "4/2", "--l", "2", "--cutoff", "4", "--crystal", "fcc:3.63:Cu:1x1x2",
                "--jobs", "rattle", "--sampled-frames", "20", "--set", "uncertainty.committee=4", "--threads", "1"]  # fmt: skip
        self.refuse(1, ["s-modal.pth", "PBE, R2SCAN, hse"], *told)
        self.run_it(*told, "--head", "hse")
        energies = {a["energy"] for a in self.eval_json(MODAL, os.path.join(run, "sampled.xyz"), "--head", "hse")}
        with open(os.path.join(run, "sampled.xyz")) as f:
            labels = [float(x) for x in re.findall(r"REF_energy=(\S+)", f.read())]
        self.assertEqual(len(labels), len(energies))
        self.assert_close(sorted(labels), sorted(energies), 1e-4)  # it samples in mixed precision
        info, _ = self.run_it("info", os.path.join(run, "model.ftl"))
        with open(MODAL, "rb") as f:
            self.assertIn(hashlib.sha256(f.read()).hexdigest(), info)
        self.eval_json(os.path.join(run, "model.ftl"), os.path.join(run, "sampled.xyz"))

    # ---- what is wrong ----

    def test_options(self):
        for words, entries in (
            (["use_long_range", "0.13"], dict(version="0.15.0", use_long_range=True)),
            (["interaction_type", "so2", "nequip"], dict(interaction_type="so2")),
            (["_model_type", "new_model"], dict(_model_type="new_model")),
            (["radial_basis", "gaussian"], dict(radial_basis={"radial_basis_name": "gaussian"})),
            (["cutoff_function", "cosine"], dict(cutoff_function={"cutoff_function_name": "cosine"})),
            (["cutoff_on is 9"], dict(cutoff_function={"cutoff_function_name": "XPLOR", "cutoff_on": 9.0})),
            (["act_radial", "gelu"], dict(act_radial="gelu")),
            (["act_gate", "relu"], dict(act_gate={"e": "relu", "o": "tanh"})),
            (["self_connection_type", "none"], dict(self_connection_type="none")),
            (["self_connection_type", "7 entries"], dict(self_connection_type=["linear"] * 7)),
            (["cuequivariance_config", "enable_cueq=False"], dict(cuequivariance_config={"use": True})),
            (["optimize_by_reduce"], dict(optimize_by_reduce=False)),
            (["version"], dict(version="main")),
            (["r_max is -1"], dict(cutoff=-1.0)),
            (["num_convolution_layer"], dict(num_convolution_layer=0)),
            (["lmax"], dict(lmax=4)),
            (["_type_map"], dict(_type_map={1: 0, 29: 2})),
            (["_type_map"], dict(_type_map={1: 0, 29: 0})),
            (["_type_map"], dict(_type_map={1: 0, 290: 1})),
            (["_modal_map has 0"], dict(use_modality=True, _modal_map={})),
            (["_modal_map"], dict(use_modality=True, _modal_map={"a": 0, "b": 0})),
            (["irreps_manual", "rubbish"], dict(irreps_manual=["rubbish"] * 3)),
        ):  # fmt: skip
            self.refused(words, self.spoilt(set_config(**entries)))
        for entries in (dict(version="0.14.0"), dict(use_long_range=False, some_list=[])):  # nothing new, or off
            self.run_it("info", self.spoilt(set_config(**entries)))

    def test_order_of_irreps(self):
        """Which sevenn itself reads in another order than it writes."""

        def swap(root):
            manual = root["config"]["irreps_manual"]
            manual[1] = "+".join(reversed(manual[1].split("+")))

        self.refused(["entry 1 of irreps_manual", "not equivariant"], self.spoilt(swap, MANUAL))

    def test_tensors(self):
        def state(work):
            return lambda root: work(root["model_state_dict"]) and None

        first = "0_convolution.denominator"
        for words, work in (
            ([LAST, "missing"], lambda s: s.pop(LAST) and None),
            (["3_extra.weight", "no block"], lambda s: s.update({"3_extra.weight": s[LAST]})),
            ([LAST, "columns"], lambda s: s.update({LAST: s["1_convolution.weight_nn.layer0.weight"]})),
            ([first], lambda s: s.update({first: s[LAST]})),
            ([LAST, "where a tensor is needed"], lambda s: s.update({LAST: "text"})),
        ):  # fmt: skip
            self.refused(words, self.spoilt(state(work)))

        def storage_of(root):
            return pickled.stored_values(root["model_state_dict"][self.tensor]).arguments[0].identity[2]

        for self.tensor, number, words in ((LAST, float("nan"), ["not finite"]), (first, 0.0, [first, "is 0"])):
            keys = []
            self.spoilt(lambda root: keys.append(storage_of(root)))

            def content(name, data):
                return struct.pack("<f", number) + data[4:] if name.endswith("/data/" + keys[0]) else data

            self.refused(words, self.spoilt(lambda root: None, content=content))

    def test_other_files(self):
        for words, change in (
            (["a checkpoint (.pth) of sevenn"], lambda root: {"state_dict": root["model_state_dict"]}),
            (["a checkpoint (.pth) of sevenn"], lambda root: root.pop("config") and None),
            (["a checkpoint (.pth) of sevenn"], lambda root: root["model_state_dict"]),
            (["cutoff"], lambda root: root["config"].pop("cutoff") and None),
            (["a list"], lambda root: [1, 2]),
        ):  # fmt: skip
            self.refused(words, self.spoilt(change))

    def test_deployed(self):
        """TorchScript, as sevenn_get_model makes it: a folder code/ beside the pickle."""
        path = self.path("spoilt.pt")
        with zipfile.ZipFile(PLAIN) as old, zipfile.ZipFile(path, "w") as new:
            for entry in old.infolist():
                new.writestr(zipfile.ZipInfo(entry.filename), old.read(entry))
            top = old.namelist()[0].split("/")[0]
            new.writestr(zipfile.ZipInfo(f"{top}/code/__torch__/sevenn/nn/sequential.py"), "class AtomGraphSequential(Module):\n")
            new.writestr(zipfile.ZipInfo(f"{top}/constants.pkl"), b"\x80\x02).")
        self.refused(["TorchScript", "the checkpoint (.pth) of sevenn"], path)


if __name__ == "__main__":
    cli_case.main()
