from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, status
from fastapi.security import OAuth2PasswordRequestForm
from sqlmodel import select

from app.api.deps import SessionDep
from app.core.security import create_access_token, verify_password
from app.models import Token, User

router = APIRouter(prefix="/login", tags=["login"])


@router.post("/access-token")
def login(session: SessionDep, form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> Token:
    """OAuth2 password form: `username` is the email."""
    user = session.exec(select(User).where(User.email == form.username)).first()
    known = user.hashed_password if user and user.is_active else None
    if not verify_password(form.password, known) or user is None:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, "Wrong email or password")
    return Token(access_token=create_access_token(str(user.id)))
