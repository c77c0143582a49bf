# SPDX-License-Identifier: MIT
"""An application that cannot start."""


class Product:
    def __init__(self, cloud):
        raise RuntimeError("the sensor is not there")
