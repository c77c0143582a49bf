# SPDX-License-Identifier: MIT
"""`python -m simulator image`: build an app image from Python files, or look into any app image."""

import json
from pathlib import Path
from typing import Any

import rich_click as click

from simulator.board import archive, image
from simulator.board.build import build_firmware
from simulator.board.chip_models import BY_ID, MODELS
from simulator.board.image import Image, ImageError
from simulator.commands.files import read_file, write_file
from simulator.errors import UserError

_FLASH_MODES = ("QIO", "QOUT", "DIO", "DOUT", "FAST_READ", "SLOW_READ")


@click.group("image")
def command() -> None:
    """Build app images, or look into them."""


@command.command("build")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
@click.option("--title", required=True, help="What the image is, at most 31 bytes.")
@click.option("--version", required=True, help="Which one, at most 31 bytes.")
@click.option("--size", type=int, help="Exact size in bytes, a multiple of 16; the rest is filled with noise.")
@click.option("--chip", type=click.Choice(list(MODELS)), default="esp32", show_default=True)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Image file to write.")
def build(folders: tuple[Path, ...], title: str, version: str, size: int | None, chip: str, output: Path) -> None:
    """Freeze the Python modules below DIR into an app image; of equal names the last DIR wins."""
    data = build_firmware(folders, title, version, chip, size)
    write_file(output, data)
    click.echo(f"{output}: {title} {version} for {chip}, {len(data):,} bytes")


@command.command("info")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def info(context: click.Context, file: Path, as_json: bool) -> None:
    """Show header, descriptor, segments and archive of an app image, and what the chip would say.

    Exit status 1 if set_boot or the bootloader would refuse it.
    """
    data = read_file(file)
    try:
        facts = describe(data)
    except ImageError as error:
        raise UserError("not_an_image", f"{file} is not an app image: {error}") from None
    click.echo(json.dumps(facts) if as_json else _as_text(facts))
    if facts["set_boot"] != "ok" or facts["bootloader"] != "ok":
        context.exit(1)


def describe(data: bytes) -> dict[str, Any]:
    """All facts about the image at the start of `data`, ready for JSON. Raises ImageError if there is none."""
    header = image.parse(data)
    model = BY_ID.get(header.chip_id)
    frozen = archive.find(data)
    return {
        "chip": model.name if model else "unknown",
        "chip_id": header.chip_id,
        "size": header.size,
        "file_size": len(data),
        "entry": header.entry,
        "flash_mode": _FLASH_MODES[header.flash_mode] if header.flash_mode < len(_FLASH_MODES) else "unknown",
        "flash_size": f"{1 << header.flash_size_code}MiB",
        "min_revision": header.min_revision,
        "max_revision": header.max_revision,
        "has_hash": header.has_hash,
        "descriptor": vars(header.descriptor) if header.descriptor else None,
        "segments": [vars(segment) for segment in header.segments],
        "set_boot": _verdict(data, header, "set_boot"),
        "bootloader": _verdict(data, header, "bootloader"),
        "micropython": ".".join(map(str, image.micropython_version(data) or ())) or None,
        "archive": {name: len(content) for name, content in frozen.items()} if frozen is not None else None,
    }


def _verdict(data: bytes, header: Image, level: image.Level) -> str:
    """ "ok", or why a chip of the image's own kind refuses it."""
    if header.chip_id not in BY_ID:
        return f"unknown chip id {header.chip_id}"
    try:
        image.verify(data, level, chip_id=header.chip_id, revision=header.min_revision)
    except ImageError as error:
        return str(error)
    return "ok"


def _as_text(facts: dict[str, Any]) -> str:
    lines = [
        f"chip        {facts['chip']} (id {facts['chip_id']})",
        f"revisions   {facts['min_revision']} to {facts['max_revision']}",
        f"size        {facts['size']:,} bytes, file {facts['file_size']:,}",
        f"flash       {facts['flash_mode']}, {facts['flash_size']}",
        f"entry       {facts['entry']:#010x}",
    ]
    lines += [f"{name:<11} {value}" for name, value in (facts["descriptor"] or {}).items()]
    if facts["descriptor"] is None:
        lines.append("descriptor  none: not an app, or a full .bin with the bootloader first")
    for number, part in enumerate(facts["segments"]):
        lines.append(f"segment {number}   {part['address']:#010x} {part['size']:>9,} bytes at {part['offset']:#x}")
    lines += [f"set_boot    {facts['set_boot']}", f"bootloader  {facts['bootloader']}"]
    lines.append(f"micropython {facts['micropython'] or 'does not say'}")
    if facts["archive"] is None:
        lines.append("archive     none")
    lines += [f"frozen      {name} {size:,} bytes" for name, size in (facts["archive"] or {}).items()]
    return "\n".join(lines)
