"""What Celery, rq and Flask-Caching do with a Redis, as a user that may not administer it."""

import os
import subprocess
import sys

import redis
from celery import Celery
from flask import Flask
from flask_caching import Cache
from rq import Queue, SimpleWorker

URL = os.environ["REDIS_URL"]
client = redis.Redis.from_url(URL)


app = Celery("application", broker=URL, backend=URL)


@app.task(name="add")
def add(a: int, b: int) -> int:
    return a + b


def celery() -> None:
    options = ["--pool", "solo", "--loglevel", "ERROR"]
    worker = subprocess.Popen([sys.executable, "-m", "celery", "--app", "application", "worker", *options])
    try:
        assert add.delay(2, 3).get(timeout=60) == 5
        assert app.control.ping(timeout=5)
        assert app.control.inspect(timeout=5).stats()
    finally:
        worker.terminate()
        worker.wait(30)


def rq() -> None:
    queue = Queue(connection=client)
    job = queue.enqueue(len, [1, 2, 3])
    worker = SimpleWorker([queue], connection=client)
    worker.work(burst=True)
    assert job.get_status(refresh=True) == "finished", job.get_status()
    SimpleWorker.all(connection=client)


def caching() -> None:
    flask = Flask("application")
    cache = Cache(flask, config={"CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": URL})
    with flask.app_context():
        cache.set("a", "b")
        assert cache.get("a") == "b"
        cache.clear()
        assert cache.get("a") is None


def commands() -> None:
    assert client.info("memory")["maxmemory_policy"]
    assert client.client_list()
    pipeline = client.pipeline(transaction=True)
    assert pipeline.set("k", 1).incr("k").execute()[-1] == 2
    assert client.register_script("return redis.call('get', KEYS[1])")(keys=["k"]) == b"2"
    client.xadd("stream", {"a": 1})
    client.xgroup_create("stream", "group", "0")
    assert client.xreadgroup("group", "me", {"stream": ">"})
    subscription = client.pubsub()
    subscription.subscribe("channel")
    assert client.publish("channel", "word") == 1
    assert client.keys("*")
    assert list(client.scan_iter("*"))
    assert client.memory_usage("k")
    client.flushdb()


if __name__ == "__main__":
    for name in sys.argv[1:]:
        globals()[name]()
        print(f"{name} works")
