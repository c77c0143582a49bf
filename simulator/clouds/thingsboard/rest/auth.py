# SPDX-License-Identifier: MIT
"""Who may call: one tenant administrator, who logs in with a password and then shows a JWT."""

from dataclasses import dataclass

from aiohttp import web

from simulator.clouds.rest import tokens
from simulator.clouds.rest.call import Routes
from simulator.clouds.thingsboard.rest import entities
from simulator.clouds.thingsboard.rest.call import Call
from simulator.errors import UserError

_SCHEME = "Bearer "
_TOKEN_S, _REFRESH_S = 9000, 604_800  # the server's defaults: two and a half hours, a week
_REFRESH_SCOPE = "REFRESH_TOKEN"
_PUBLIC = ("/api/auth/login", "/api/auth/token")


@dataclass(frozen=True)
class Account:
    """The administrator. The defaults are those of the server's demo data."""

    email: str = "tenant@thingsboard.org"
    password: str = "tenant"

    def pair(self, now_ms: int) -> dict[str, str]:
        """A token and one to renew it with."""
        return {
            "token": self._sign(now_ms, _TOKEN_S, ["TENANT_ADMIN"]),
            "refreshToken": self._sign(now_ms, _REFRESH_S, [_REFRESH_SCOPE]),
        }

    def check(self, token: str, now_ms: int, *, refresh: bool = False) -> None:
        """Raises UserError: no_login for what is none of our tokens, token_expired."""
        if (_REFRESH_SCOPE in tokens.read(token, now_ms)["scopes"]) != refresh:
            raise UserError("no_login", "the token is of the wrong kind")

    def admit(self, request: web.Request, now_ms: int) -> None:
        """`X-Authorization: Bearer ...`; raises as `check`."""
        if request.path in _PUBLIC:
            return
        header = request.headers.get("X-Authorization") or request.headers.get("Authorization")
        if not header or not header.startswith(_SCHEME):
            raise UserError("no_login", "log in first")
        self.check(header.removeprefix(_SCHEME), now_ms)

    def _sign(self, now_ms: int, seconds: int, scopes: list[str]) -> str:
        claims = {"sub": self.email, "iss": "thingsboard.io", "tenantId": entities.TENANT}
        return tokens.sign(now_ms, seconds, scopes=scopes, **claims)

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
