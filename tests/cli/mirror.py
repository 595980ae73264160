"""A server on the loopback address that takes the place of GitHub: what the tests of `frozentl foundation` fetch from.

It can break off, know no ranges, answer with errors or pages, and act as a proxy (an address in the request line).
"""

import http.server
import ssl
import threading


class Mirror:
    """content: what every path has. Each attribute may be changed between requests; `requests` has (path, headers)."""

    def __init__(self, content, certificate=None):
        """certificate: a file with it and its key; then it speaks https."""
        self.content, self.etag, self.kind = content, '"1"', "application/octet-stream"
        self.ranges, self.status, self.break_after = True, 200, None
        self.redirect = None  # (path, where to)
        self.requests = []
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                mirror.answer(self)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.address = f"http{'s' if certificate else ''}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def first_byte(self, headers):
        """Where the answer begins: 0 without a range, or when it is of another version."""
        asked = headers.get("Range")
        if not self.ranges or not asked or headers.get("If-Range", self.etag) != self.etag:
            return 0
        return int(asked[len("bytes=") :].rstrip("-"))

    def answer(self, handler):
        self.requests.append((handler.path, dict(handler.headers)))
        if self.redirect and handler.path == self.redirect[0]:
            handler.send_response(302)
            handler.send_header("Location", self.redirect[1])
            handler.send_header("Content-Type", "text/html")
            handler.end_headers()
            return
        if self.status != 200:
            handler.send_error(self.status)
            return
        begin = self.first_byte(handler.headers)
        if begin and begin >= len(self.content):
            handler.send_error(416)
            return
        body = self.content[begin:]
        handler.send_response(206 if begin else 200)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("Content-Type", self.kind)
        if self.etag:
            handler.send_header("ETag", self.etag)
        if begin:
            handler.send_header("Content-Range", f"bytes {begin}-{len(self.content) - 1}/{len(self.content)}")
        handler.end_headers()
        handler.wfile.write(body if self.break_after is None else body[: self.break_after])
        handler.close_connection = True
