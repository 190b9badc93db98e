from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query, status
from sqlmodel import func, select, true

from app.api.deps import CurrentUser, SessionDep
from app.models import (
    Analysis,
    FeatureModel,
    FeatureModelIn,
    FeatureModelPublic,
    FeatureModels,
    TaskQueued,
    now,
)
from app.tasks import analyse

router = APIRouter(prefix="/feature-models", tags=["feature models"])


def get_model(session: SessionDep, user: CurrentUser, model_id: UUID) -> FeatureModel:
    """The model of the path; for others than its owner and superusers there is none."""
    model = session.get(FeatureModel, model_id)
    if model is None or not (user.is_superuser or model.owner_id == user.id):
        raise HTTPException(status.HTTP_404_NOT_FOUND, "No such feature model")
    return model


Model = Annotated[FeatureModel, Depends(get_model)]


@router.get("/", response_model=FeatureModels)
def list_models(
    session: SessionDep,
    user: CurrentUser,
    skip: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
) -> dict[str, object]:
    mine = true() if user.is_superuser else FeatureModel.owner_id == user.id
    count = session.exec(select(func.count()).select_from(FeatureModel).where(mine)).one()
    query = select(FeatureModel).where(mine).order_by(FeatureModel.created_at.desc())  # type: ignore[attr-defined]
    return {"data": session.exec(query.offset(skip).limit(limit)).all(), "count": count}


@router.post("/", response_model=FeatureModelPublic, status_code=status.HTTP_201_CREATED)
def create_model(session: SessionDep, user: CurrentUser, new: FeatureModelIn) -> FeatureModel:
    model = FeatureModel.model_validate(new, update={"owner_id": user.id})
    session.add(model)
    session.commit()
    return model


@router.get("/{model_id}", response_model=FeatureModelPublic)
def read_model(model: Model) -> FeatureModel:
    return model


@router.put("/{model_id}", response_model=FeatureModelPublic)
def update_model(session: SessionDep, model: Model, new: FeatureModelIn) -> FeatureModel:
    model.sqlmodel_update(new, update={"updated_at": now()})
    session.commit()
    return model


@router.delete("/{model_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_model(session: SessionDep, model: Model) -> None:
    session.delete(model)
    session.commit()


@router.post("/{model_id}/analysis", status_code=status.HTTP_202_ACCEPTED)
def queue_analysis(session: SessionDep, model: Model) -> TaskQueued:
    """Hands the model to the worker; the result is at /tasks/{task_id}."""
    analysis = Analysis(model_id=model.id)
    queued = TaskQueued(task_id=analysis.id)
    analyse.apply_async((str(model.id),), task_id=str(analysis.id))
    session.add(analysis)
    session.commit()
    return queued
