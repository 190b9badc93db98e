"""Answers with what a new connection to the database or to Redis says, or one that has stood since the start."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import redis

DATABASE, REDIS = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
pooled = psycopg.connect(DATABASE, autocommit=True) if DATABASE else None


def answer(path):
    if path == "/db":
        with psycopg.connect(DATABASE, connect_timeout=3) as connection:
            return connection.execute("SELECT note FROM note").fetchone()[0]
    if path == "/pooled":
        return pooled.execute("SELECT note FROM note").fetchone()[0]
    if path == "/redis":
        return "PONG" if redis.Redis.from_url(REDIS).ping() else "?"
    if path == "/environment":
        return os.environ.get("ENVIRONMENT", "")
    return "ok"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            status, text = 200, answer(self.path)
        except Exception as error:
            status, text = 500, type(error).__name__
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments):
        pass


signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit(0))
ThreadingHTTPServer(("", 8000), Handler).serve_forever()
