#!/usr/bin/env python3
"""The site in a real browser, without a network: every page is loaded, and no image may be broken, no formula empty, nothing asked for
from elsewhere; five pages are taken as pictures, from the disk.

    docs/site/look.py SITE PICTURES

Needs chromium (Debian's package, or the program that CHROMIUM names); without it a sentence, and exit code 77."""

import http.server
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading

PICTURES = ["index.html", "docs/training.html", "docs/theory.html", "docs/beside-others.html", "docs/benchmarks.html"]
# Loads page after page in a frame, which is of the same origin and can be looked into.
CHECKER = """<!doctype html><iframe id="frame" width="1100" height="1400"></iframe><script>
const pages = PAGES, found = [];
function look(page) {
  return new Promise(done => {
    const frame = document.getElementById("frame");
    frame.onload = async () => {
      const d = frame.contentDocument;
      for (const image of d.images) image.loading = "eager";
      await Promise.all([...d.images].map(i => i.complete ? 0 : new Promise(r => { i.onload = i.onerror = r; })));
      const broken = [...d.images].filter(i => !i.naturalWidth).map(i => i.getAttribute("src"));
      const math = [...d.querySelectorAll("math")];
      const empty = math.filter(m => { const b = m.getBoundingClientRect(); return b.width < 1 || b.height < 1 || m.querySelector("merror"); });
      const raw = [...d.querySelectorAll("p, li, td")].filter(e => /\\\\(frac|sum|mathbf|sqrt)\\b/.test([...e.childNodes].filter(n => n.nodeType == 3).map(n => n.data).join("")));
      const away = frame.contentWindow.performance.getEntriesByType("resource").map(r => r.name).filter(n => !n.startsWith(location.origin));
      found.push({page, images: d.images.length, formulas: math.length, broken, empty: empty.map(m => m.textContent.slice(0, 60)),
                  raw: raw.map(e => e.textContent.slice(0, 60)), away});
      done();
    };
    frame.src = page;
  });
}
(async () => {
  for (const page of pages) await look(page);
  await fetch("/__result", {method: "POST", body: JSON.stringify(found)});
})();
</script>"""


def chromium():
    for name in (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"):
        if name and shutil.which(name):
            return shutil.which(name)
    print("skipped: there is no chromium to look at the site with (apt-get install chromium, or CHROMIUM=PROGRAM)")
    sys.exit(77)


def command(program, profile, *arguments):
    # no sandbox: it wants what containers do not give, and the pages are our own; no host but this one
    return [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", f"--user-data-dir={profile}",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", *arguments]  # fmt: skip


def pages_of(site):
    pages = [os.path.relpath(os.path.join(at, name), site) for at, _, names in os.walk(site) for name in names if name.endswith(".html")]
    return sorted(p for p in pages if p != "404.html")


def look(program, site, pages):
    """What the browser found, a dictionary a page."""
    results = queue.Queue()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=site)

        def log_message(self, *_):
            pass

        def handle(self):
            try:
                super().handle()
            except ConnectionError:  # the frame has gone on to the next page
                pass

        def do_GET(self):
            if self.path != "/__check.html":
                return super().do_GET()
            self.answer("text/html", CHECKER.replace("PAGES", json.dumps(["/" + p for p in pages])).encode())

        def do_POST(self):
            results.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.answer("text/plain", b"")

        def answer(self, kind, body):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        address = f"http://127.0.0.1:{server.server_address[1]}/__check.html"
        browser = subprocess.Popen(command(program, profile, "--remote-debugging-port=0", address), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return results.get(timeout=600)
        finally:
            browser.terminate()
            browser.wait(30)
            server.shutdown()


def take(program, site, page, picture):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        subprocess.run(command(program, profile, "--window-size=1200,1700", f"--screenshot={picture}", "--virtual-time-budget=4000", "file://" + os.path.join(site, page)),
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)  # fmt: skip


def main():
    site, pictures = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    program, pages = chromium(), pages_of(site)
    os.makedirs(pictures, exist_ok=True)
    found = look(program, site, pages)
    wrong = {}  # what: the pages
    for one in found:
        for what, words in (("broken", "an image is broken"), ("empty", "a formula is empty"), ("raw", "a formula is not set"), ("away", "it asks for what is elsewhere")):
            for text in one[what]:
                wrong.setdefault(f"{words}: {text}", []).append(one["page"])
    for page in PICTURES:
        take(program, site, page, os.path.join(pictures, page.replace("/", "-").replace(".html", ".png")))
    print(f"{len(found)} pages, {sum(one['images'] for one in found)} images, {sum(one['formulas'] for one in found)} formulas; pictures of {len(PICTURES)} in {pictures}")
    for line, on in wrong.items():
        print(f"{line} ({len(on)} pages: {', '.join(on[:3])})")
    sys.exit(1 if wrong or len(found) != len(pages) else 0)


main()
