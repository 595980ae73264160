"""Nothing from a file acts on the terminal: escape sequences, C1 controls, bidirectional overrides and broken UTF-8 in every
name that is printed come out as '?', in JSON as escapes; in tables and pictures that a run leaves likewise.

    python3 tests/cli/test_printable.py PATH-OF-frozentl
"""

import json
import os
import re
import struct
import subprocess
import zipfile

import cli_case
from cli_case import HEADS, PLAIN, xyz_of

# ESC [31m, C1 CSI, right-to-left override, BEL, DEL, CR, zero width, a byte that is no UTF-8
EVIL = b"A\x1b[31mB\xc2\x9b31mC\xe2\x80\xaeD\x07E\x7fF\rG\xe2\x80\x8bH\xffI"
TEXT = EVIL.replace(b"\xff", b"").decode()  # for places that must be UTF-8
WORD = EVIL.replace(b"\r", b"")  # for places within a line of words


def harmless(output):
    """Valid UTF-8 without anything that acts."""
    text = output.decode()  # raises for broken UTF-8
    return not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", text)


class Printable(cli_case.CliCase):
    def run_bytes(self, *arguments, codes=(0,)):
        done = subprocess.run([cli_case.FROZENTL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder,
                              stdin=subprocess.DEVNULL)  # fmt: skip
        for output in (done.stdout, done.stderr):
            self.assertTrue(harmless(output), f"{arguments}: {output!r}")
        self.assertIn(done.returncode, codes, f"{arguments}\n{done.stdout!r}\n{done.stderr!r}")
        return done.stdout + done.stderr

    def header(self, change):
        """PLAIN as .ftl with other metadata."""
        path = self.path("plain.ftl")
        if not os.path.exists(path):
            self.run_it("convert", PLAIN, path)
        with open(path, "rb") as f:
            content = f.read()
        (length,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8 : 8 + length])
        change(header)
        text = json.dumps(header, ensure_ascii=False).encode()
        text += b" " * (-len(text) % 8)
        return self.path("x.ftl", struct.pack("<Q", len(text)) + text + content[8 + length :])

    def test_metadata(self):
        hostile = {
            TEXT: TEXT,
            "foundation": json.dumps({"name": TEXT, "sha256": TEXT}),
            "freeze": json.dumps({TEXT: [TEXT], "lora": {"rank": 1, "alpha": 1, "groups": [TEXT]}, "rates": {TEXT: 2}}),
            "trained": json.dumps([TEXT]),
            "dataset": json.dumps({"sha256": TEXT, "files": [{"name": TEXT, TEXT: TEXT}]}),
            "training": json.dumps({"x": TEXT + "\nforged: line", TEXT: 1}),
        }
        model = self.header(lambda h: h["__metadata__"].update(hostile))
        out = self.run_bytes("info", model)
        self.assertIn(b"A?[31mB?31mC?D", out)
        self.assertNotIn(b"\nforged", out)
        out = self.run_bytes("info", "--json", model)
        self.assertIn(TEXT[: TEXT.index("\x7f")], json.loads(out)["origin"]["trained"][0])
        self.run_bytes("diff", model, PLAIN, codes=(0, 7))
        self.run_bytes("diff", "--json", model, PLAIN, codes=(0, 7))

    def test_names_of_models(self):
        def tensor(header):
            name = next(name for name in header if name != "__metadata__")
            header[TEXT] = header.pop(name)

        def key(header):
            header["__metadata__"]["architecture"] = json.dumps({TEXT: 1})

        for change in (tensor, key, lambda h: h["__metadata__"].update(kind=TEXT),
                       lambda h: h["__metadata__"].update(units=TEXT)):  # fmt: skip
            self.run_bytes("info", self.header(change), codes=(1,))
        with zipfile.ZipFile(HEADS) as old, zipfile.ZipFile(self.path("heads.model"), "w") as new:
            for info in old.infolist():
                data = old.read(info)
                if info.filename.endswith("/data.pkl"):
                    self.assertIn(b"omat", data)
                    data = data.replace(b"omat", b"o\x1b[m")
                new.writestr(zipfile.ZipInfo(info.filename), data)
        self.assertIn(b"cannot be shown", self.run_bytes("info", self.path("heads.model"), codes=(1,)))
        with zipfile.ZipFile(self.path("names.model"), "w") as new:
            new.writestr("x/data.pkl", b"\x80\x02c" + WORD.replace(b"\n", b"") + b"\nx\n)R.")
            new.writestr("x/" + TEXT, b"")
        self.run_bytes("info", self.path("names.model"), codes=(1,))

    def test_text_files(self):
        for content in (WORD + b": 3\n", b"elements: [" + WORD + b"]\n", b'elements: "\\e[31m\\x9b\\u202e"\nE0: []\n',
                        b'"\\e[31m": 1\n"\\e[31m": 1\n'):  # fmt: skip
            for name in ("x.yace", "x.yaml"):
                path = self.path(name, content)
                self.run_bytes(*((("info",), ("train",))[name == "x.yaml"]), path, codes=(1,))
        self.run_bytes("fit", self.path("y.yaml", b'data: "\\e[31m.xyz"\noutput: run\n'), codes=(1,))
        self.run_bytes("train", self.path("z.yaml", b'foundation: "\\e[31m\\u202e.ftl"\ndata: x\noutput: run\n'), codes=(1,))

    def test_paths(self):
        name = TEXT.replace("/", "")
        self.run_bytes("info", name, codes=(1,))
        with open(PLAIN, "rb") as f:
            model = self.path(name, f.read())
        self.run_bytes("info", model)
        self.run_bytes("info", "--json", model)
        self.run_bytes("convert", model, self.path(name + ".ftl"))
        self.run_bytes("eval", model, xyz_of(PLAIN))
        self.run_bytes(name, codes=(2,))

    def xyz(self):
        """A labelled set whose config_types and other words are hostile."""
        answers = self.path("answers.xyz")
        self.run_it("eval", PLAIN, xyz_of(PLAIN), "--quiet", "-o", answers)
        with open(answers, "rb") as f:
            text = f.read()
        os.remove(answers)
        text = text.replace(b":forces:R:3", b":REF_forces:R:3")
        text = text.replace(b" energy=", b" REF_energy=").replace(b" stress=", b" REF_stress=")
        text = re.sub(rb" config_type=\S+", b"", text)
        return self.path("d.xyz", text.replace(b" REF_energy=", b' config_type="' + WORD + b'" note="' + WORD + b'" REF_energy='))

    def test_data(self):
        data = self.xyz()
        self.run_bytes("eval", PLAIN, data, "--labels", "REF_")
        self.run_bytes("train", "-f", PLAIN, "-d", data, "--valid", data, "--test", data, "-b", "2", "-e", "1", "--lr",
                       "1e-4", "-o", "run")  # fmt: skip
        run = self.path("run")
        for name in os.listdir(run):
            with open(os.path.join(run, name), "rb") as f:
                content = f.read()
            if name.endswith((".csv", ".jsonl", ".json")):
                self.assertTrue(harmless(content.replace(b"\x7f", b"")), name)
        self.run_bytes("plot", "run")
        for name in os.listdir(run):
            if name.endswith(".svg"):
                with open(os.path.join(run, name), "rb") as f:
                    self.assertTrue(harmless(f.read()), name)
        self.run_bytes("fit", "-d", data, "--n", "3/2", "--l", "1", "--cutoff", "4", "-o", "fit", codes=(0, 1))
        for content in (b"1\n" + WORD + b"=1 Properties=species:S:1:pos:R:3 " + WORD + b"=2\nCu 0 0 0\n",
                        b"1\nProperties=" + WORD + b":S:1:pos:R:3\nCu 0 0 0\n", b"1\nProperties=species:S:1:pos:R:3\n" + WORD + b" 0 0 0\n",
                        b"1\nProperties=species:S:1:pos:R:3\nCu " + WORD + b" 0 0\n", WORD + b"\n\n",
                        b'1\nProperties=species:S:1:pos:R:3 head="' + WORD + b'"\nCu 0 0 0\n'):  # fmt: skip
            bad = self.path("bad.xyz", content)
            self.run_bytes("eval", HEADS, bad, codes=(0, 1))
            self.run_bytes("fit", "-d", bad, "-o", "no", codes=(1,))

    def test_what_is_ours_stays(self):
        """Letters of all scripts are text."""
        name = "Ångström-铜-مس.model"
        with open(PLAIN, "rb") as f:
            model = self.path(name, f.read())
        self.assertIn(name.encode(), self.run_bytes("info", model))


if __name__ == "__main__":
    cli_case.main()
