# SPDX-License-Identifier: MIT
"""`python -m simulator sizes`: what the agent costs in flash and RAM, and the smallest heap that is enough."""

import json
from typing import Any

import rich_click as click

from simulator import firmware_modules, interpreters, memory, tls_memory
from simulator.commands.table import show
from simulator.memory import BOARD_LIMIT_K, LIMIT_K, WAYS_LIMIT_K
from simulator.update import SIZE
from simulator.ways import WAYS


@click.command("sizes")
@click.option("--quick", is_flag=True, help=f"Update with {memory.QUICK_SIZE:,} bytes instead of {SIZE:,}.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(context: click.Context, quick: bool, as_json: bool) -> None:
    """Measure the agent: bytes of its modules, heap after import, bytes per block, smallest heap.

    Exit status 1 if a block costs heap, or if an update on the 32-bit interpreter needs more than 69k, or more than
    56k beside what a board has in flash, or if one from RainMaker needs more than 80k.
    """
    facts = measure(memory.QUICK_SIZE if quick else SIZE)
    if as_json:
        click.echo(json.dumps(facts))
    else:
        _show_modules(facts)
        _show_heaps(facts)
    if not facts["within_limits"]:
        context.exit(1)


def measure(size: int) -> dict[str, Any]:
    """All figures, ready for JSON; `size`: bytes of the image that the update brings."""
    boards = [interpreter for interpreter in interpreters.available() if interpreter.is_micropython]
    heaps = {board.name: memory.measure_heap(board, size) for board in boards}
    small = heaps.get("micropython32")
    tls = {board.name: found for board in boards if (found := tls_memory.measure(board))}
    dtls = {board.name: found for board in boards if (found := tls_memory.measure_datagrams(board))}
    return {
        "schema": 1,
        "image_size": size,
        "modules": [vars(module) for module in firmware_modules.modules()],
        "heaps": {name: vars(heap) for name, heap in heaps.items()},
        "tls": {name: vars(found) for name, found in tls.items()},
        "dtls": {name: vars(found) for name, found in dtls.items()},
        "left_out": [name for name in interpreters.NAMES if name != "cpython" and name not in heaps],
        "within_limits": all(heap.bytes_per_block == 0 for heap in heaps.values())
        and (small is None or _is_small(small)),
    }


def _is_small(heap: memory.Heap) -> bool:
    if heap.smallest_k is None or heap.board_k is None:
        return False
    are_small = all(least_k is not None and least_k <= WAYS_LIMIT_K for least_k, _ in heap.ways_k.values())
    return are_small and heap.smallest_k <= LIMIT_K and heap.board_k <= BOARD_LIMIT_K


def _show_modules(facts: dict[str, Any]) -> None:
    names = list(facts["heaps"])
    columns = ["module", ".mpy", "-O3", *(f"heap {name}" for name in names)]
    heaps = [facts["heaps"][name]["modules"] for name in names]
    rows = [_module_row(module, heaps) for module in facts["modules"]]
    stock = [[memory.STOCK + " (stock)", None, None, *(heap[memory.STOCK] for heap in heaps)]] if heaps else []
    loaded = {*firmware_modules.SCRIPTS, *firmware_modules.loaded_by_update()}
    needed = [module for module in facts["modules"] if module["name"] in loaded]
    totals = [_total("total", facts["modules"]), _total("of these, for an update over MQTT", needed)]
    show("Bytes of the firmware's modules", columns, rows + stock + totals)


def _module_row(module: dict[str, Any], heaps: list[dict[str, int]]) -> list[object]:
    label = module["name"] + (" (late)" if module["is_late"] else "")
    return [label, module["mpy"], module["mpy_o3"], *(heap.get(module["name"]) for heap in heaps)]


def _total(label: str, modules: list[dict[str, Any]]) -> list[object]:
    return [label, sum(module["mpy"] for module in modules), sum(module["mpy_o3"] for module in modules)]


def _show_heaps(facts: dict[str, Any]) -> None:
    heaps = facts["heaps"].values()
    rows = [
        ["interpreter and twins, before boot.py (bytes)", *(heap["base"] for heap in heaps)],
        ["names of all modules (bytes)", *(heap["names"] for heap in heaps)],
        ["all loaded, with the late ones (bytes)", *(heap["total"] for heap in heaps)],
        ["allocated per block (bytes)", *(f"{heap['bytes_per_block']:g}" for heap in heaps)],
        ["of that in flash on a board (bytes)", *(heap["in_flash"] for heap in heaps)],
    ]
    show("Heap of a board in lockstep", ["", *facts["heaps"]], rows)
    if facts["heaps"]:
        _show_ways(facts)
    for kind in ("TLS", "DTLS"):
        if facts[kind.lower()]:
            _show_tls(kind, facts[kind.lower()])
    for name in facts["left_out"]:
        click.echo(f"{name} is left out: it is not set up", err=True)
    if "micropython32" in facts["heaps"]:
        click.echo(
            f"limits (0 bytes per block, {LIMIT_K}k on micropython32, {BOARD_LIMIT_K}k on a board; for other ways "
            f"{WAYS_LIMIT_K}k): " + ("kept" if facts["within_limits"] else "BROKEN")
        )


def _show_ways(facts: dict[str, Any]) -> None:
    columns = [f"{name}{where}" for name in facts["heaps"] for where in ("", ", on a board")]
    rows = [
        [way, *(_kib(heap_k) for heap in facts["heaps"].values() for heap_k in heap["ways_k"][way])] for way in WAYS
    ]
    show(f"Smallest heap for an update of {facts['image_size']:,} bytes", ["way", *columns], rows)


def _show_tls(kind: str, tls: dict[str, dict[str, int]]) -> None:
    labels = {"context": "context", "session": "the first session", "another": "a second one beside it"}
    rows = [[label, *(found[name] for found in tls.values())] for name, label in labels.items()]
    show(f"{kind} on the unix port, outside of the heap (bytes)", ["", *tls], rows)


def _kib(heap_k: float | None) -> str:
    return "none is enough" if heap_k is None else f"{heap_k}k"
