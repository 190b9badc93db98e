"""Tables, and the shapes the API takes and gives."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from pydantic import field_validator
from sqlalchemy import DateTime
from sqlmodel import Field, SQLModel

from app.uvl import parse


def now() -> datetime:
    return datetime.now(UTC)


class UserBase(SQLModel):
    # Deliverability is not ours to judge: admin@berth.localhost is a good address here.
    email: str = Field(max_length=254, unique=True, index=True, regex=r"^[^@\s]+@[^@\s]+$")
    is_active: bool = True
    is_superuser: bool = False


class User(UserBase, table=True):
    __tablename__ = "user_account"  # `user` is a reserved word of SQL

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    hashed_password: str


class UserCreate(UserBase):
    password: str = Field(min_length=8, max_length=128)


class UserPublic(UserBase):
    id: UUID


class FeatureModelBase(SQLModel):
    name: str = Field(min_length=1, max_length=100)
    definition: str = Field(max_length=20_000)


class FeatureModelIn(FeatureModelBase):
    @field_validator("definition")
    @classmethod
    def parses(cls, value: str) -> str:
        parse(value)
        return value


class FeatureModel(FeatureModelBase, table=True):
    __tablename__ = "feature_model"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    owner_id: UUID = Field(foreign_key="user_account.id", ondelete="CASCADE", index=True)
    created_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))


class FeatureModelPublic(FeatureModelBase):
    id: UUID
    owner_id: UUID
    created_at: datetime
    updated_at: datetime


class FeatureModels(SQLModel):
    data: list[FeatureModelPublic]
    count: int


class Analysis(SQLModel, table=True):
    """Who asked for which task: its result, in Redis, is for them only."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    model_id: UUID = Field(foreign_key="feature_model.id", ondelete="CASCADE", index=True)
    created_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True), index=True)


class TaskQueued(SQLModel):
    task_id: UUID


class TaskState(SQLModel):
    task_id: UUID
    state: str
    result: dict[str, Any] | None = None
    error: str | None = None


class Token(SQLModel):
    access_token: str
    token_type: str = "bearer"
