"""The database engine."""

from sqlmodel import Session, create_engine, select

from app.core.config import settings
from app.core.security import hash_password
from app.models import User

# At most 4 workers x 10 connections, below Postgres' default of 100. pre_ping: a restarted
# database costs no request.
engine = create_engine(settings.database_url.get_secret_value(), pool_size=5, max_overflow=5, pool_pre_ping=True)


def create_first_superuser(session: Session) -> bool:
    """Make the configured superuser unless there is a user of that email; True when it was made."""
    if session.exec(select(User).where(User.email == settings.first_superuser)).first():
        return False
    password = settings.first_superuser_password.get_secret_value()
    session.add(
        User(
            email=settings.first_superuser,
            hashed_password=hash_password(password),
            is_superuser=True,
        )
    )
    session.commit()
    return True
