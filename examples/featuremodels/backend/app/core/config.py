"""Settings, read from the environment once at start."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """Every field is the environment variable of the same name in capitals."""

    # A refused value may be a secret: it must not stand in the error message.
    model_config = SettingsConfigDict(env_ignore_empty=True, hide_input_in_errors=True)

    database_url: SecretStr
    redis_url: SecretStr
    secret_key: SecretStr = Field(min_length=32)  # HS256 wants 256 bits (RFC 7518, 3.2)
    first_superuser: str
    first_superuser_password: SecretStr = Field(min_length=8)
    backend_cors_origins: Annotated[list[str], NoDecode] = []
    access_token_expire_minutes: int = 8 * 60
    analysis_keep_hours: int = 24

    @field_validator("backend_cors_origins", mode="before")
    @classmethod
    def split_origins(cls, value: str | list[str]) -> list[str]:
        """`https://a,https://b` as a list; browsers send origins without a final slash."""
        parts = value.split(",") if isinstance(value, str) else value
        return [part.strip().rstrip("/") for part in parts if part.strip()]


settings = Settings()  # type: ignore[call-arg]  # the fields come from the environment
