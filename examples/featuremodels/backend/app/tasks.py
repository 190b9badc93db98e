"""What the Celery worker does."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import Session

from app.core.celery import celery
from app.core.config import settings
from app.core.db import engine
from app.models import Analysis, FeatureModel, now
from app.uvl import count_configurations, parse


@celery.task
def analyse(model_id: str) -> dict[str, int | str | bool]:
    """Figures about one feature model. `configurations` is text: JSON numbers end at 2^53."""
    with Session(engine) as session:
        row = session.get(FeatureModel, UUID(model_id))
        if row is None:
            raise LookupError(f"feature model {model_id} was deleted")
        model = parse(row.definition)
    configurations = count_configurations(model)
    return {
        "features": len(model.names),
        "depth": model.depth,
        "constraints": len(model.constraints),
        "configurations": str(configurations),
        "void": configurations == 0,
    }


@celery.task(ignore_result=True)
def purge_analyses() -> None:
    """Forget analyses whose results Redis has dropped by now (beat runs this)."""
    oldest = now() - timedelta(hours=settings.analysis_keep_hours)
    with Session(engine) as session:
        session.execute(delete(Analysis).where(Analysis.created_at < oldest))  # type: ignore[arg-type]
        session.commit()
