"""The API: `gunicorn app.main:app -k uvicorn.workers.UvicornWorker`."""

import logging

import kombu.exceptions
import redis.exceptions
import sqlalchemy.exc
from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse

from app.api import router
from app.core.config import settings

app = FastAPI(title="FeatureModels", openapi_url="/api/v1/openapi.json")
app.add_middleware(
    CORSMiddleware,
    allow_origins=settings.backend_cors_origins,
    allow_methods=["*"],
    allow_headers=["Authorization", "Content-Type"],
    max_age=3600,
)
app.include_router(router)


async def unavailable(_: Request, error: Exception) -> JSONResponse:
    """Postgres or Redis is away: for a while, and not this request's fault."""
    logging.getLogger("uvicorn.error").error("%s: %s", type(error).__name__, error)
    return JSONResponse({"detail": "The service is not available; try again soon"}, 503)


for outage in (
    kombu.exceptions.OperationalError,
    redis.exceptions.RedisError,
    sqlalchemy.exc.OperationalError,
):
    app.add_exception_handler(outage, unavailable)
