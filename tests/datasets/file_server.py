"""An HTTP server on 127.0.0.1 that can be told to cut connections, ignore ranges or answer errors."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """What it serves and how; `asked` records (path, Range) of every request.

    Args:
        content: {path: bytes}.
    """

    def __init__(self, content: dict[str, bytes]):
        self.content = content
        self.cut_after: list[int] = []  # bytes after which the next connections break, one each
        self.ranges = True
        self.errors: list[int] = []  # status of the next answers, one each
        self.asked: list[tuple[str, str | None]] = []
        self.url = ""


@contextmanager
def serve(content: dict[str, bytes]):
    """A running Server."""
    told = Server(content)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            wanted = self.headers.get("Range")
            told.asked.append((self.path, wanted))
            body = told.content.get(self.path)
            status = told.errors.pop(0) if told.errors else 200 if body is not None else 404
            if status != 200:
                self.send_error(status)
                return
            begin, size = 0, len(body)
            if wanted and told.ranges:
                begin = int(wanted.removeprefix("bytes=").rstrip("-"))
                if begin >= size:
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{size}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {begin}-{size - 1}/{size}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(size - begin))
            self.end_headers()
            body = body[begin:]
            if told.cut_after:
                body = body[: told.cut_after.pop(0)]
                self.close_connection = True
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_):  # a client that hangs up
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
