"""A page that says what it was built as."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"first edition"


class Handler(BaseHTTPRequestHandler):
    """Answers every path with the page."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(PAGE)


ThreadingHTTPServer(("", 8000), Handler).serve_forever()
