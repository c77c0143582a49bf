# SPDX-License-Identifier: MIT
"""JWTs that a mock signs itself and takes back, on the cloud's clock."""

import uuid
from typing import Any

import jwt

from simulator.errors import UserError

_ALGORITHM = "HS512"
_KEY = "the mock has no secrets: this text signs its tokens, and 64 bytes is what HS512 asks for"


def sign(now_ms: int, seconds: int, **claims: object) -> str:
    """Valid for so many seconds. Two made within a second are two tokens."""
    now_s = now_ms // 1000
    made = {**claims, "iat": now_s, "exp": now_s + seconds, "jti": str(uuid.uuid4())}
    return jwt.encode(made, _KEY, _ALGORITHM)


def read(token: str, now_ms: int) -> dict[str, Any]:
    """The claims. Raises UserError: no_login for what is none of ours, token_expired."""
    try:
        claims = jwt.decode(token, _KEY, algorithms=[_ALGORITHM], options={"verify_exp": False, "verify_iat": False})
    except jwt.InvalidTokenError:
        raise UserError("no_login", "the token is not valid") from None
    if claims["exp"] * 1000 <= now_ms:
        raise UserError("token_expired", "the token has expired")
    return claims
