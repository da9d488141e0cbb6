"""A file to which finished cells are appended. A record that a killed process left unfinished is not read."""

import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

HEAD = 12  # bytes before each record: its length (8) and its checksum (4)
NAME = "journal.samdyn"


class Journal:
    """Records in a file, which exists only while it has some."""

    def __init__(self, path: Path) -> None:
        """Open a journal, and remove an unfinished record at its end.

        Raises:
            OSError: it cannot be written.
        """
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        self.size = 0  # of the whole records, in bytes
        for end, _ in read(path):
            self.size = end
        os.ftruncate(self._file, self.size)

    def append(self, record: bytes) -> None:
        """Add a record.

        Raises:
            OSError: it cannot be written, as when the disk is full. The journal is as before.
        """
        data = len(record).to_bytes(8, "little") + zlib.crc32(record).to_bytes(4, "little") + record
        os.lseek(self._file, self.size, os.SEEK_SET)
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except BaseException:
            with suppress(OSError):
                os.ftruncate(self._file, self.size)
            raise
        self.size += len(data)

    def records(self) -> Iterator[bytes]:
        """Yield the records."""
        for _, record in read(self._path):
            yield record

    def clear(self) -> None:
        """Remove all records."""
        os.ftruncate(self._file, 0)
        self.size = 0

    def close(self) -> None:
        """Close the file, and remove it if it is empty."""
        os.close(self._file)
        if not self.size:
            self._path.unlink(missing_ok=True)


def read(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the whole records of a journal, each with the place of its end in the file."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        while len(head := file.read(HEAD)) == HEAD:
            length = int.from_bytes(head[:8], "little")
            record = file.read(length)
            if len(record) < length or zlib.crc32(record).to_bytes(4, "little") != head[8:]:
                return
            yield file.tell(), record
