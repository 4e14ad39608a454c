"""Stack's records as frozen pydantic models."""

from stack_fastapi.models.claims import AccessTokenClaims, RestrictedReason
from stack_fastapi.models.team import Team
from stack_fastapi.models.user import User

__all__ = ["AccessTokenClaims", "RestrictedReason", "Team", "User"]
