"""Everything under /api/v1."""

from fastapi import APIRouter

from app.api import feature_models, login, tasks, users, utils

router = APIRouter(prefix="/api/v1")
for part in (utils, login, users, feature_models, tasks):
    router.include_router(part.router)
