# SPDX-License-Identifier: MIT
"""Who may call: one user, who owns all nodes and administrates all jobs. Logs in, then shows the access token."""

import base64
import hashlib
from dataclasses import dataclass

from aiohttp import web

from simulator.clouds.rainmaker.rest.call import SUCCESS, Call, given
from simulator.clouds.rainmaker.rest.uploads import PATH as UPLOADS
from simulator.clouds.rest import tokens
from simulator.clouds.rest.call import Routes
from simulator.errors import UserError

_TOKEN_S, _REFRESH_S = 3600, 30 * 86_400  # an hour (OpenAPI), and what Cognito does unless told
_PUBLIC = ("/apiversions", "/v1/login2")


@dataclass(frozen=True)
class Account:
    """The user, by the service's own rules for passwords."""

    user_name: str = "maker@example.com"
    password: str = "Rainmaker1"

    @property
    def user_id(self) -> str:
        return base64.b32encode(hashlib.sha256(self.user_name.encode()).digest())[:22].decode()

    def admit(self, request: web.Request, now_ms: int) -> None:
        """`Authorization` is the bare access token. Raises UserError: no_login, token_expired."""
        if request.path in _PUBLIC or request.path.startswith(UPLOADS):  # whose URLs are signed
            return
        claims = tokens.read(request.headers.get("Authorization", ""), now_ms)
        if claims.get("token_use") != "access":
            raise UserError("no_login", "this is another token")

    def routes(self) -> Routes:
        return (
            ("GET", "/apiversions", lambda call: {"supported_versions": ["v1"]}),
            ("POST", "/v1/login2", self._login),
            ("POST", "/v1/logout2", lambda call: SUCCESS),
            ("GET", "/v1/user", self._user),
            ("GET", "/v1/user2", self._user),
        )

    def _login(self, call: Call) -> dict[str, str]:
        """With a password, or with the refresh token of an earlier login; that one stays what it is."""
        said, now_ms = call.fields, call.cloud.now_ms
        if "refreshtoken" in said:
            return self._refresh(said, now_ms)
        if (given(said.get("user_name"), "no_user_name"), said.get("password")) != (self.user_name, self.password):
            raise UserError("bad_password", "incorrect user name or password")
        refresh = tokens.sign(now_ms, _REFRESH_S, token_use="refresh", sub=self.user_id)
        return {**SUCCESS, "description": "Login successful", **self._pair(now_ms), "refreshtoken": refresh}

    def _refresh(self, said: dict, now_ms: int) -> dict[str, str]:
        try:
            claims = tokens.read(str(said["refreshtoken"]), now_ms)
        except UserError as error:
            raise UserError("bad_refresh_token", error.text) from error
        if claims.get("token_use") != "refresh":
            raise UserError("bad_refresh_token", "this is another token")
        return {**SUCCESS, **self._pair(now_ms)}

    def _pair(self, now_ms: int) -> dict[str, str]:
        who = {"sub": self.user_id, "custom:user_id": self.user_id}
        about = {"email": self.user_name, "email_verified": True, "custom:admin": True}
        return {
            "accesstoken": tokens.sign(now_ms, _TOKEN_S, token_use="access", **who),
            "idtoken": tokens.sign(now_ms, _TOKEN_S, token_use="id", **who, **about),
        }

    def _user(self, call: Call) -> dict[str, object]:
        return {"user_id": self.user_id, "user_name": self.user_name, "admin": True, "mfa": False}
