# SPDX-License-Identifier: MIT
"""Image URLs that work for a while, as long and as ugly as the pre-signed ones of S3 (rainmaker.md 2.1, 6.1)."""

import datetime
import hashlib
import hmac
import random
from collections.abc import Mapping
from urllib.parse import quote, urlencode

_DATE = "%Y%m%dT%H%M%SZ"
_TOKEN_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_SIGNED = ("X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Security-Token")


class Denied(Exception):
    """The store does not serve this URL: `code` is S3's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def signature(url: str) -> str:
    """That of a URL made here."""
    return url.rpartition("=")[2]


class Signer:
    """`token_size` is how many characters of a session token a URL has: with 700 it is about 1.1 kB in all."""

    def __init__(self, seed: int, token_size: int) -> None:
        self._random = random.Random(f"urls {seed}")
        self._secret = self._random.randbytes(32)
        self._token_size = token_size

    def url(self, base: str, path: str, now_ms: int, valid_s: int, method: str = "GET") -> str:
        """A URL for one method on `path`, which begins with a slash; no two are the same."""
        date = datetime.datetime.fromtimestamp(now_ms // 1000, datetime.UTC)
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"ASIAMOCK/{date:%Y%m%d}/us-east-1/s3/aws4_request",
            "X-Amz-Date": date.strftime(_DATE),
            "X-Amz-Expires": str(valid_s),
            "X-Amz-Security-Token": "".join(self._random.choices(_TOKEN_ALPHABET, k=self._token_size)),
            "X-Amz-SignedHeaders": "host",
        }
        query["X-Amz-Signature"] = self._sign(method, path, query)
        return f"{base}{quote(path)}?{urlencode(query)}"

    def check(self, method: str, path: str, query: Mapping[str, str], now_ms: int) -> None:
        """Raises Denied for what was not signed, for this method, or is too old."""
        if not all(name in query for name in (*_SIGNED, "X-Amz-Signature")):
            raise Denied("AccessDenied")
        if not hmac.compare_digest(self._sign(method, path, query).encode(), query["X-Amz-Signature"].encode()):
            raise Denied("SignatureDoesNotMatch")
        date = datetime.datetime.strptime(query["X-Amz-Date"], _DATE).replace(tzinfo=datetime.UTC)
        if now_ms >= (date.timestamp() + int(query["X-Amz-Expires"])) * 1000:
            raise Denied("AccessDenied")

    def _sign(self, method: str, path: str, query: Mapping[str, str]) -> str:
        text = "\n".join((method, path, *(query[name] for name in _SIGNED)))
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()
