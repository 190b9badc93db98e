from fastapi import APIRouter

router = APIRouter(prefix="/utils", tags=["utils"])


@router.get("/health-check/")
async def health_check() -> bool:
    """Says that this process serves. It asks neither Postgres nor Redis: their outage must not
    take the application out of the proxy as well."""
    return True
