"""Makes the first superuser: the last step of scripts/prestart.sh."""

from sqlmodel import Session

from app.core.config import settings
from app.core.db import create_first_superuser, engine

if __name__ == "__main__":
    with Session(engine) as session:
        made = create_first_superuser(session)
    print(f"superuser {settings.first_superuser}: {'created' if made else 'already there'}")
