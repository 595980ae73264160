"""frozentl foundation: the list, and models fetched from a server on the loopback address."""

import fcntl
import hashlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess

import cli_case
from foundation_case import FILE, NAME, FoundationCase
from mirror import Mirror

NAMES = """sevennet-0 sevennet-0-22may2024 sevennet-mf-0 sevennet-l3i5 mace-mp-0-small mace-mp-0-medium mace-mp-0-large
mace-mp-0b-small mace-mp-0b-medium mace-mp-0b2-small mace-mp-0b2-medium mace-mp-0b2-large mace-mp-0b3-medium
mace-mpa-0-medium mace-omat-0-small mace-omat-0-medium mace-matpes-pbe-0 mace-matpes-r2scan-0 mace-mh-0 mace-mh-1
mace-off23-small mace-off23-medium mace-off23-large""".split()
PATH = "/ACEsuit/mace-mp/releases/download/mace_mp_0/2023-12-10-mace-128-L0_energy_epoch-249.model"


class List(FoundationCase):
    def test_every_name(self):
        rows = self.run_it("foundation", "--list")[0].split("\n\n")[0].splitlines()[1:]
        self.assertEqual([row.split()[0] for row in rows], NAMES)
        self.assertEqual({row.split()[1] for row in rows}, {"no"})
        for name in NAMES:
            out = self.run_it("foundation", "--list", name)[0]
            for word in ("size", "SHA-256", "licence", "citation", "from"):
                self.assertIn(f"\n  {word} ", out)
            if name.startswith("sevennet"):
                self.assertRegex(out, r"size +\d+\.\d MB\n +SHA-256 +[0-9a-f]{64}\n")
            else:
                self.assertRegex(out, r"from +https://(github|raw\.githubusercontent)\.com/ACEsuit/")
                self.assertIn("none is published", out)  # none is invented

    def test_what_is_here(self):
        self.have(cli_case.PLAIN)
        self.assertRegex(self.run_it("foundation", "--list")[0], rf"\n{NAME} +yes ")
        self.assertIn(os.path.join(self.cache, FILE), self.run_it("foundation", "--list", NAME)[0])

    def test_wrong_names(self):
        self.refuse(2, ["'sevenet-0'", "'sevennet-0'", "--list"], "foundation", "sevenet-0")
        self.refuse(2, ["which NAME", "--list"], "foundation")


class Fetch(FoundationCase):
    def setUp(self):
        super().setUp()
        with open(cli_case.PLAIN, "rb") as f:
            self.content = f.read()
        self.mirror = Mirror(self.content)
        self.addCleanup(self.mirror.close)
        os.environ["FROZENTL_FOUNDATION_MIRROR"] = self.mirror.address + "/"
        self.file = os.path.join(self.cache, FILE)

    def assert_fetched(self, content=None):
        content = content or self.content
        with open(self.file, "rb") as f:
            self.assertEqual(f.read(), content)
        self.assertEqual(self.cached(), [FILE, FILE + ".sha256"])  # no part, no tag
        with open(self.file + ".sha256") as f:  # as sha256sum -c takes it
            self.assertEqual(f.read(), f"{hashlib.sha256(content).hexdigest()}  {FILE}\n")

    def fetch(self):
        out = self.run_it("foundation", NAME)[0]
        self.assert_fetched()
        return out

    def break_off(self, after):
        self.mirror.break_after = after
        self.fails(1, ["broke off", "run this again", self.mirror.address + PATH, self.file], "foundation", NAME)
        self.mirror.break_after = None
        self.assertEqual(os.path.getsize(self.file + ".part"), after)

    def last_headers(self):
        return self.mirror.requests[-1][1]

    def test_complete(self):
        out = self.fetch()
        self.assertEqual([path for path, _ in self.mirror.requests], [PATH])
        for word in ("downloading", self.file, "SHA-256", "none is published: recorded", "MIT", "arXiv:2401.00096"):
            self.assertIn(word, out)
        again = self.run_it("foundation", NAME)[0]
        self.assertIn("it was there", again)
        self.assertIn("as at the first download", again)
        self.assertEqual(self.run_it("foundation", "-q", NAME), (self.file + "\n", ""))
        self.assertEqual(len(self.mirror.requests), 1)
        self.assertEqual(self.run_it("info", NAME)[0], self.run_it("info", self.file)[0])

    def test_into_the_first_folder_of_frozentl_path(self):
        first, second = self.path("first"), self.path("second")
        os.environ["FROZENTL_PATH"] = f"{first}/deeper:{second}"
        self.assertEqual(self.run_it("foundation", "-q", NAME)[0], f"{first}/deeper/{FILE}\n")
        self.assertEqual(self.cached(), [])
        shutil.move(first + "/deeper", second)  # found there, not fetched again
        self.assertEqual(self.run_it("foundation", "-q", NAME)[0], f"{second}/{FILE}\n")
        self.assertEqual(len(self.mirror.requests), 1)

    def test_xdg_cache(self):
        os.environ["XDG_CACHE_HOME"] = self.path("xdg")
        self.assertEqual(self.run_it("foundation", "-q", NAME)[0], self.path("xdg") + f"/frozentl/{FILE}\n")

    def test_redirected(self):
        self.mirror.redirect = (PATH, self.mirror.address + "/elsewhere")
        self.fetch()
        self.assertEqual([path for path, _ in self.mirror.requests], [PATH, "/elsewhere"])

    def test_https(self):
        """Only from a server that is known, and never on to one that is not by https."""
        certificate = self.path("certificate.pem")
        made = shutil.which("openssl") and subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", certificate, "-out", certificate + ".crt", "-days",
             "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], stderr=subprocess.DEVNULL)  # fmt: skip
        if not made or made.returncode:
            self.skipTest("no openssl that makes a certificate")
        with open(certificate, "a") as f, open(certificate + ".crt") as public:
            f.write(public.read())
        secure = Mirror(self.content, certificate)
        self.addCleanup(secure.close)
        os.environ["FROZENTL_FOUNDATION_MIRROR"] = secure.address
        self.fails(1, ["cannot be reached", "certificate"], "foundation", NAME)
        os.environ["CURL_CA_BUNDLE"] = certificate + ".crt"
        secure.redirect = (PATH, self.mirror.address + "/plain")
        self.fails(1, ["cannot be reached", "http"], "foundation", NAME)
        self.assertEqual(self.mirror.requests, [])
        secure.redirect = None
        self.fetch()

    def test_broken_off_and_resumed(self):
        self.break_off(10000)
        self.mirror.break_after = 5000
        self.fails(1, ["broke off"], "foundation", NAME)
        self.mirror.break_after = None
        self.assertEqual(os.path.getsize(self.file + ".part"), 15000)
        self.fetch()
        self.assertEqual(self.last_headers()["Range"], "bytes=15000-")
        self.assertEqual(self.last_headers()["If-Range"], '"1"')

    def test_another_version_by_now(self):
        """Half of one version and half of the next would be neither."""
        self.break_off(10000)
        with open(cli_case.HEADS, "rb") as f:
            self.mirror.content = f.read()
        self.mirror.etag = '"2"'
        self.run_it("foundation", NAME)
        self.assert_fetched(self.mirror.content)

    def test_server_without_ranges(self):
        self.mirror.ranges = False
        self.break_off(10000)
        self.fetch()
        self.assertIn("Range", self.last_headers())

    def test_server_without_versions(self):
        self.mirror.etag = None
        self.break_off(10000)
        self.fetch()
        self.assertNotIn("Range", self.last_headers())

    def test_part_that_is_too_long(self):
        self.break_off(len(self.content) - 1)
        with open(self.file + ".part", "ab") as f:
            f.write(b"more")
        self.fetch()

    def test_wrong_content(self):
        self.mirror.content, self.mirror.kind = b"<html>Log in</html>", "text/html; charset=utf-8"
        self.fails(1, ["a web page, not a model", self.file], "foundation", NAME)
        self.mirror.kind = "application/octet-stream"
        self.fails(1, ["19 bytes", "no model of torch.save"], "foundation", NAME)
        self.mirror.content = self.content[:-3000]  # a server that thinks it has all of it
        self.fails(1, ["truncated or damaged"], "foundation", NAME)
        self.mirror.content = b""
        self.fails(1, ["empty"], "foundation", NAME)
        self.assertEqual(self.cached(), [])

    def test_page_in_the_middle(self):
        """What is there already stays."""
        self.break_off(10000)
        self.mirror.content, self.mirror.kind, self.mirror.etag = b"<html>Log in</html>", "text/html", '"page"'
        self.fails(1, ["a web page"], "foundation", NAME)
        self.assertEqual(os.path.getsize(self.file + ".part"), 10000)
        self.mirror.content, self.mirror.kind, self.mirror.etag = self.content, "application/octet-stream", '"1"'
        self.fetch()
        self.assertEqual(self.last_headers()["Range"], "bytes=10000-")

    def test_errors_of_the_server(self):
        for status, words in ((404, ["error 404", "not there"]), (403, ["error 403"]), (500, ["error 500"])):
            self.mirror.status = status
            self.fails(1, [*words, self.mirror.address + PATH, "save it as " + self.file], "foundation", NAME)
        self.assertEqual(self.cached(), [])

    def test_other_content_than_at_first(self):
        self.fetch()
        os.remove(self.file)
        with open(cli_case.HEADS, "rb") as f:
            self.mirror.content = f.read()
        self.fails(1, ["at the first download", FILE + ".sha256", "not kept"], "foundation", NAME)
        self.assertEqual(self.cached(), [FILE + ".sha256"])
        self.mirror.content = self.content
        self.fetch()

    def test_damaged_file(self):
        self.fetch()
        with open(self.file, "r+b") as f:
            f.seek(20000)
            f.write(b"\xff\xff")
        for command in (("foundation", NAME), ("info", NAME)):
            self.fails(1, [self.file, "first download", "remove it"], *command)
        with open(self.file + ".sha256", "w") as f:
            f.write("no digest\n")
        self.fails(1, [FILE + ".sha256", "64 hexadecimal digits"], "info", NAME)

    def test_file_that_was_brought_by_hand(self):
        self.have(cli_case.PLAIN)
        self.run_it("info", NAME)
        self.assertEqual(self.cached(), [FILE])  # reading writes nothing
        self.assertIn("recorded", self.run_it("foundation", NAME)[0])
        self.assert_fetched()
        self.assertEqual(self.mirror.requests, [])

    def test_unreachable(self):
        with socket.socket() as s:  # a port that nobody listens at
            s.bind(("127.0.0.1", 0))
            os.environ["FROZENTL_FOUNDATION_MIRROR"] = f"http://127.0.0.1:{s.getsockname()[1]}"
        self.fails(1, ["cannot be reached", PATH, "download it elsewhere and save it as " + self.file], "foundation", NAME)
        self.assertEqual(self.cached(), [])

    def test_wrong_mirror(self):
        os.environ["FROZENTL_FOUNDATION_MIRROR"] = "ftp://somewhere"
        self.fails(1, ["FROZENTL_FOUNDATION_MIRROR", "https://"], "foundation", NAME)

    def test_proxy(self):
        os.environ["FROZENTL_FOUNDATION_MIRROR"] = "http://foundations.invalid/store"
        os.environ["http_proxy"] = self.mirror.address
        self.fetch()
        self.assertEqual(self.mirror.requests[0][0], "http://foundations.invalid/store" + PATH)

    def test_proxy_that_is_not_there(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            os.environ["http_proxy"] = f"http://somebody:secret@127.0.0.1:{s.getsockname()[1]}"
        error = self.fails(1, ["cannot be reached", "the proxy is that of http_proxy", "save it as"], "foundation", NAME)
        self.assertNotIn("secret", error)

    def test_proxy_with_a_password(self):
        os.environ["FROZENTL_FOUNDATION_MIRROR"] = "http://foundations.invalid"
        os.environ["http_proxy"] = self.mirror.address
        self.mirror.status = 407
        self.fails(1, ["407", "the proxy wants a password"], "foundation", NAME)

    def test_file_that_cannot_grow(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

        done = subprocess.run([cli_case.FROZENTL, "foundation", NAME], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, preexec_fn=limit)  # fmt: skip
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("cannot write it", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.fetch()  # goes on
        self.assertEqual(self.last_headers()["Range"], "bytes=20000-")

    def test_no_space(self):
        """A file system of 64 kB, in a mount namespace of its own."""
        small = self.path("small")
        os.mkdir(small)
        script = 'mount -t tmpfs -o size=64k none "$1" && FROZENTL_PATH=$1 exec "$2" foundation "$3"'
        command = ["unshare", "-rm", "sh", "-c", script, "sh", small, cli_case.FROZENTL, NAME]
        if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", small],
                                                         stderr=subprocess.DEVNULL).returncode:  # fmt: skip
            self.skipTest("no mount namespaces here")
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 3, done.stderr)
        for word in ("no space", "make room", "FROZENTL_PATH", small):
            self.assertIn(word, done.stderr)

    def test_folder_that_cannot_be(self):
        os.environ["FROZENTL_PATH"] = self.path("file", "") + "/models"
        self.fails(3, ["cannot be made", "FROZENTL_PATH", "file/models"], "foundation", NAME)

    def test_two_at_once(self):
        os.makedirs(self.cache)
        with open(self.file + ".part", "w") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            self.fails(1, ["another process is fetching it"], "foundation", NAME)
        self.fetch()

    def test_help(self):
        out = re.sub(r"\s+", " ", self.run_it("foundation", "--help")[0])
        for word in ("FROZENTL_PATH", "FROZENTL_FOUNDATION_MIRROR", "https_proxy", "Example"):
            self.assertIn(word, out)


if __name__ == "__main__":
    cli_case.main()
