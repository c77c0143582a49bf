# SPDX-License-Identifier: MIT
"""Who may call: one user, by OAuth 2.0's password grant, who then shows a bearer token for five minutes."""

from dataclasses import dataclass
from urllib.parse import parse_qs

from aiohttp import web

from simulator.clouds.rest import tokens
from simulator.clouds.rest.call import Call, Routes
from simulator.errors import UserError

_TOKEN_S = 300
_LOGIN = "/api/auth/oauth_password"
_SCHEME = "Bearer "


@dataclass(frozen=True)
class Account:
    """The user."""

    user_name: str = "maker@example.com"
    password: str = "Coiote1"

    def admit(self, request: web.Request, now_ms: int) -> None:
        """Raises UserError: no_login, token_expired."""
        if request.path == _LOGIN:
            return
        header = request.headers.get("Authorization", "")
        if not header.startswith(_SCHEME):
            raise UserError("no_login", "there is no bearer token")
        tokens.read(header.removeprefix(_SCHEME), now_ms)

    def routes(self) -> Routes:
        return (("POST", _LOGIN, self._login),)

    def _login(self, call: Call) -> dict[str, object]:
        said = {name: texts[-1] for name, texts in parse_qs(call.raw.decode("utf-8", "replace")).items()}
        wanted = {"grant_type": "password", "username": self.user_name, "password": self.password}
        if said != wanted:
            raise UserError("no_login", "user name or password is wrong")
        token = tokens.sign(call.cloud.now_ms, _TOKEN_S, sub=self.user_name)
        return {"access_token": token, "token_type": "Bearer", "expires_in": _TOKEN_S}
