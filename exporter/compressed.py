"""gzip of a page from parts that were each compressed once (RFC 1951 and 1952).

A part is a deflate stream that ends on a byte, refers to nothing before it and is not the last: parts can be put one
behind another. The checksum of the whole comes from the parts' checksums (zlib's crc32_combine).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LEVEL = 1  # twice as large as level 6 at a fifth of the time
HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
LAST = b"\x03\x00"
POLYNOMIAL = 0xEDB88320

Matrix = tuple[int, ...]  # what each of 32 bits becomes


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes of a page, deflated; `size` and `checksum` (CRC-32) are those of the plain ones."""

    deflated: bytes
    size: int
    checksum: int


def part(plain: bytes) -> Part:
    """A part of these bytes."""
    packing = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated = packing.compress(plain) + packing.flush(zlib.Z_FULL_FLUSH)
    return Part(deflated, len(plain), zlib.crc32(plain))


def plain(parts: Iterable[Part]) -> bytes:
    """The parts as they were. Few ask for them so, and they are six times as large: only this is kept."""
    return b"".join(zlib.decompressobj(-zlib.MAX_WBITS).decompress(part.deflated) for part in parts)


def gzipped(parts: Sequence[Part]) -> bytes:
    """The parts as one gzip stream."""
    checksum, size = 0, 0
    for one in parts:
        checksum = combined(checksum, one.checksum, one.size)
        size += one.size
    tail = checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
    return b"".join([HEAD, *(one.deflated for one in parts), LAST, tail])


def combined(first: int, second: int, length: int) -> int:
    """The CRC-32 of two texts together, of which the second has so many bytes."""
    shift: Matrix = (POLYNOMIAL, *(1 << bit for bit in range(31)))  # by one zero bit
    bits = length * 8
    while bits:
        if bits & 1:
            first = _times(shift, first)
        shift = tuple(_times(shift, row) for row in shift)
        bits >>= 1
    return first ^ second


def _times(matrix: Matrix, vector: int) -> int:
    product = 0
    for row in matrix:
        if vector & 1:
            product ^= row
        vector >>= 1
        if not vector:
            break
    return product
