"""What the tests of foundations share: an environment of their own, without network, proxies or a cache."""

import os
import unittest.mock

import cli_case

NAME = "mace-mp-0-small"
FILE = NAME + ".model"
OUTSIDE = ("FROZENTL_PATH", "FROZENTL_FOUNDATION_MIRROR", "FROZENTL_PYTHON", "XDG_CACHE_HOME", "CURL_CA_BUNDLE",
           "SSL_CERT_FILE")  # fmt: skip


class FoundationCase(cli_case.CliCase):
    def setUp(self):
        super().setUp()
        patch = unittest.mock.patch.dict(os.environ, {"HOME": self.folder})
        patch.start()
        self.addCleanup(patch.stop)
        for name in list(os.environ):
            if name in OUTSIDE or name.lower().endswith("_proxy") or name.startswith("PIP_"):
                del os.environ[name]
        self.cache = os.path.join(self.folder, ".cache", "frozentl")

    def have(self, model, file=FILE, folder=None):
        """Puts a copy of a model where a foundation would be."""
        folder = folder or self.cache
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, file)
        with open(model, "rb") as f, open(path, "wb") as to:
            to.write(f.read())
        return path

    def cached(self):
        return sorted(os.listdir(self.cache)) if os.path.isdir(self.cache) else []

    def fails(self, code, words, *arguments):
        """One sentence on stderr; files may be left (a part of a download)."""
        _, err = self.run_it(*arguments, code=code)
        for word in words:
            self.assertIn(word, err)
        self.assertEqual(err.count("\n"), 1, err)
        return err
