"""A proxy between a client and the API that loses answers, or gives its own."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable, List, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit


class Seen(NamedTuple):
    method: str
    path: str
    key: Optional[str]


#: For the nth request of its kind: None to hand it on, "lose" to hand it on and lose the answer, or
#: an answer of the proxy's own.
Rule = Callable[[Seen, int], object]


class Proxy:
    def __init__(self, upstream: str, rule: Rule) -> None:
        self._upstream = urlsplit(upstream)
        self._rule = rule
        self._lock = threading.Lock()
        self.seen: List[Seen] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except ConnectionError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                proxy._handle(self)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{self._upstream.path}"

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        seen = Seen(handler.command, handler.path, handler.headers["Idempotency-Key"])
        with self._lock:
            nth = sum(one[:2] == seen[:2] for one in self.seen)
            self.seen.append(seen)
        body = handler.rfile.read(int(handler.headers["Content-Length"] or 0))
        what = self._rule(seen, nth)
        if isinstance(what, tuple):
            return _answer(handler, *what)
        status, headers, text = self._forward(handler, body)
        if what == "lose":
            handler.close_connection = True
            handler.connection.close()
        else:
            _answer(handler, status, headers, text)

    def _forward(
        self, handler: BaseHTTPRequestHandler, body: bytes
    ) -> Tuple[int, List[Tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection(self._upstream.netloc, timeout=60)
        skipped = ("host", "connection", "accept-encoding")
        headers = {k: v for k, v in handler.headers.items() if k.lower() not in skipped}
        upstream.request(handler.command, handler.path, body or None, headers)
        response = upstream.getresponse()
        text = response.read()
        upstream.close()
        return response.status, response.getheaders(), text


def _answer(
    handler: BaseHTTPRequestHandler, status: int, headers: List[Tuple[str, str]], text: bytes
) -> None:
    handler.send_response(status)
    for name, value in headers:
        if name.lower() not in ("connection", "content-length", "transfer-encoding"):
            handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(text)))
    handler.end_headers()
    handler.wfile.write(text)
