# SPDX-License-Identifier: MIT
"""The side of people who manage devices: Coiote's REST API v3, as far as firmware updates need it.

Paths, names and answers are those of its public guides; what these do not show is ours.
"""
