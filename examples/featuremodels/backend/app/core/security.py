"""Password hashes and access tokens."""

from datetime import UTC, datetime, timedelta
from threading import Lock

import jwt
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.core.config import settings

ALGORITHM = "HS256"

# Argon2id as OWASP's password storage sheet has it (19 MiB, 2 passes). The library's default takes
# 64 MiB a login. One at a time in each process: a burst of logins must not break the container's
# memory limit.
_hasher = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1),))
_one_at_a_time = Lock()
_UNKNOWN_USER = _hasher.hash("no user has this password")


def hash_password(password: str) -> str:
    """The hash to store for `password`."""
    with _one_at_a_time:
        return _hasher.hash(password)


def verify_password(password: str, hashed: str | None) -> bool:
    """Whether `password` fits; takes as long for an unknown user (`None`) as for a known one."""
    with _one_at_a_time:
        return _hasher.verify(password, hashed or _UNKNOWN_USER) and hashed is not None


def create_access_token(subject: str) -> str:
    """A signed token for the user id `subject`."""
    expires = datetime.now(UTC) + timedelta(minutes=settings.access_token_expire_minutes)
    key = settings.secret_key.get_secret_value()
    return jwt.encode({"sub": subject, "exp": expires}, key, algorithm=ALGORITHM)


def read_access_token(token: str) -> str:
    """The user id in `token`; raises jwt.InvalidTokenError."""
    key = settings.secret_key.get_secret_value()
    claims = jwt.decode(token, key, algorithms=[ALGORITHM], options={"require": ["exp", "sub"]})
    return str(claims["sub"])
