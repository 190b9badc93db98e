"""The Celery application: `celery -A app.core.celery worker` and `... beat`."""

import tempfile
from pathlib import Path
from typing import Any

from celery import Celery
from celery.beat import PersistentScheduler
from celery.signals import heartbeat_sent

from app.core.config import settings

_tmp = Path(tempfile.gettempdir())
WORKER_ALIVE = _tmp / "celery-worker-alive"
BEAT_ALIVE = _tmp / "celery-beat-alive"

_redis = settings.redis_url.get_secret_value()
celery = Celery("featuremodels", broker=_redis, backend=_redis, include=["app.tasks"])
celery.conf.update(
    task_acks_late=True,  # a task whose worker is stopped runs again on the next one
    task_time_limit=60,
    worker_concurrency=2,
    worker_prefetch_multiplier=1,
    result_expires=settings.analysis_keep_hours * 3600,
    broker_connection_retry_on_startup=True,
    beat_schedule={"purge-analyses": {"task": "app.tasks.purge_analyses", "schedule": 600.0}},
    beat_schedule_filename=str(_tmp / "celerybeat-schedule"),
    beat_scheduler="app.core.celery:Scheduler",
    beat_max_loop_interval=20,
)


class Scheduler(PersistentScheduler):
    """Beat's own scheduler; each pass of its loop leaves a sign of life for the health check."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        BEAT_ALIVE.touch()
        return super().tick(*args, **kwargs)


@heartbeat_sent.connect
def worker_alive(**_: Any) -> None:
    """Sent every two seconds while the worker's connection to the broker is up."""
    WORKER_ALIVE.touch()
