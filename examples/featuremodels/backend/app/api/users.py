from uuid import UUID

from fastapi import APIRouter, HTTPException, status
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from app.api.deps import CurrentUser, SessionDep, Superuser
from app.core.security import hash_password
from app.models import User, UserCreate, UserPublic

router = APIRouter(prefix="/users", tags=["users"])


@router.get("/me", response_model=UserPublic)
def read_me(user: CurrentUser) -> User:
    return user


@router.get("/", response_model=list[UserPublic])
def list_users(session: SessionDep, _: Superuser) -> list[User]:
    return list(session.exec(select(User).order_by(User.email)))


@router.post("/", response_model=UserPublic, status_code=status.HTTP_201_CREATED)
def create_user(session: SessionDep, _: Superuser, new: UserCreate) -> User:
    hashed = hash_password(new.password)
    user = User.model_validate(new, update={"hashed_password": hashed})
    session.add(user)
    try:
        session.commit()
    except IntegrityError as error:
        raise HTTPException(status.HTTP_409_CONFLICT, f"{new.email} has an account") from error
    return user


@router.delete("/{user_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_user(session: SessionDep, me: Superuser, user_id: UUID) -> None:
    user = session.get(User, user_id)
    if user is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "No such user")
    if user.id == me.id:
        raise HTTPException(status.HTTP_409_CONFLICT, "You cannot delete your own account")
    session.delete(user)
    session.commit()
