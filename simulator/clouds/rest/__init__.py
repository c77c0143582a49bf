# SPDX-License-Identifier: MIT
"""What the administrators' sides of the mock clouds share: REST on aiohttp, beside a core's server on its event loop.

`app.py` serves handlers, `call.py` is what a handler gets and may give back, `tokens.py` signs and reads JWTs. Which
calls there are, who may make them and how the service says no, is each cloud's own.
"""
