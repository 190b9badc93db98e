from uuid import UUID

from fastapi import APIRouter, HTTPException, status

from app.api.deps import CurrentUser, SessionDep
from app.core.celery import celery
from app.models import Analysis, FeatureModel, TaskState

router = APIRouter(prefix="/tasks", tags=["tasks"])


@router.get("/{task_id}")
def read_task(session: SessionDep, user: CurrentUser, task_id: UUID) -> TaskState:
    analysis = session.get(Analysis, task_id)
    model = session.get(FeatureModel, analysis.model_id) if analysis else None
    if model is None or not (user.is_superuser or model.owner_id == user.id):
        raise HTTPException(status.HTTP_404_NOT_FOUND, "No such task")
    task = celery.AsyncResult(str(task_id))
    state, result = task.state, task.result
    return TaskState(
        task_id=task_id,
        state=state,
        result=result if state == "SUCCESS" else None,
        error=str(result) if state == "FAILURE" else None,
    )
