# SPDX-License-Identifier: MIT
"""Who may call: one tenant administrator, who logs in with a password and then shows a JWT."""

import uuid
from dataclasses import dataclass

import jwt

from simulator.clouds.thingsboard.rest import entities
from simulator.clouds.thingsboard.rest.call import Call, Routes
from simulator.errors import UserError

_ALGORITHM = "HS512"
_SCHEME = "Bearer "
_TOKEN_S, _REFRESH_S = 9000, 604_800  # the server's defaults: two and a half hours, a week
_REFRESH_SCOPE = "REFRESH_TOKEN"
PUBLIC = ("/api/auth/login", "/api/auth/token")


@dataclass(frozen=True)
class Account:
    """The administrator. The defaults are those of the server's demo data; `key` signs the tokens."""

    email: str = "tenant@thingsboard.org"
    password: str = "tenant"
    key: str = "the mock has no secrets: this text signs its tokens, and 64 bytes is what HS512 asks for"

    def pair(self, now_ms: int) -> dict[str, str]:
        """A token and one to renew it with."""
        return {
            "token": self._sign(now_ms, _TOKEN_S, ["TENANT_ADMIN"]),
            "refreshToken": self._sign(now_ms, _REFRESH_S, [_REFRESH_SCOPE]),
        }

    def check(self, token: str, now_ms: int, *, refresh: bool = False) -> None:
        """Raises UserError: no_login for what is none of our tokens, token_expired."""
        try:
            claims = jwt.decode(token, self.key, algorithms=[_ALGORITHM], options={"verify_exp": False})
        except jwt.InvalidTokenError:
            raise UserError("no_login", "the token is not valid") from None
        if (_REFRESH_SCOPE in claims["scopes"]) != refresh:
            raise UserError("no_login", "the token is of the wrong kind")
        if claims["exp"] * 1000 <= now_ms:
            raise UserError("token_expired", "the token has expired")

    def check_header(self, header: str | None, now_ms: int) -> None:
        """`X-Authorization: Bearer ...`; raises as `check`."""
        if not header or not header.startswith(_SCHEME):
            raise UserError("no_login", "log in first")
        self.check(header.removeprefix(_SCHEME), now_ms)

    def _sign(self, now_ms: int, seconds: int, scopes: list[str]) -> str:
        now_s = now_ms // 1000
        claims = {
            "sub": self.email,
            "scopes": scopes,
            "iss": "thingsboard.io",
            "iat": now_s,
            "exp": now_s + seconds,
            "jti": str(uuid.uuid4()),  # two logins within a second are two tokens
            "tenantId": entities.TENANT,
        }
        return jwt.encode(claims, self.key, _ALGORITHM)

    def routes(self) -> Routes:
        return (
            ("POST", "/api/auth/login", self._login),
            ("POST", "/api/auth/token", self._refresh),
            ("POST", "/api/auth/logout", lambda call: None),
            ("GET", "/api/auth/user", self._user),
        )

    def _login(self, call: Call) -> dict[str, str]:
        if (call.fields.get("username"), call.fields.get("password")) != (self.email, self.password):
            raise UserError("no_login", "invalid user name or password")
        return self.pair(call.cloud.now_ms)

    def _refresh(self, call: Call) -> dict[str, str]:
        self.check(str(call.fields.get("refreshToken")), call.cloud.now_ms, refresh=True)
        return self.pair(call.cloud.now_ms)

    def _user(self, call: Call) -> dict[str, object]:
        return {
            "id": entities.id_of("USER", entities.USER),
            "createdTime": 0,
            "tenantId": entities.id_of("TENANT", entities.TENANT),
            "customerId": entities.NO_CUSTOMER,
            "email": self.email,
            "name": self.email,
            "authority": "TENANT_ADMIN",
        }
