# SPDX-License-Identifier: MIT
"""The maker's side of the own broker (docs/broker.md): uploads, releases, and watches how a fleet takes them."""
