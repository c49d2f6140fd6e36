"""Archives, unpacked so that nothing leaves the folder meant for it."""

from __future__ import annotations

import gzip
import lzma
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from snnctl.errors import UserError

TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a .zip, .tar, .tar.gz, .tgz, .tar.bz2, .tar.xz or .gz into `folder`, and archives found inside it too.

    While it works, a mark lies beside the archive (`unfinished`), so that a half unpacked set is not taken for whole.

    Args:
        archive: the file; other endings are left as they are.
        folder: made if absent. Archives within the archive are unpacked into it as well, not into folders of their own.

    Raises:
        UserError: a member would be written outside of `folder` or is a link or device; damaged; the disk is full.
    """
    archive, folder = Path(archive), Path(folder)
    if not archive.name.lower().endswith((".zip", ".gz", *TARS)):
        return
    folder.mkdir(parents=True, exist_ok=True)
    mark = _mark(archive)
    try:
        mark.touch()
        for member in _extract(archive, folder):
            if member.name.lower().endswith((".zip", *TARS)):
                for _ in _extract(member, folder):
                    pass
                member.unlink()
    except _DAMAGED as error:
        raise UserError(
            f"{archive}: cannot be unpacked: {error}", "remove it and get it again, or free some space"
        ) from error
    mark.unlink()


def unfinished(archive: Path) -> bool:
    """Whether an unpacking of `archive` began and did not end."""
    return _mark(Path(archive)).exists()


def _mark(archive: Path) -> Path:
    return archive.with_name(f".{archive.name}.unpacking")


def _extract(archive: Path, folder: Path):
    """Write the files of one archive into `folder`, yielding their paths."""
    name = archive.name.lower()
    if name.endswith(".zip"):
        with zipfile.ZipFile(archive) as pack:
            for member in pack.infolist():
                if not member.is_dir():
                    target = _target(archive, folder, member.filename)
                    with pack.open(member) as source:
                        yield _write(source, target)
    elif name.endswith(TARS):
        with tarfile.open(archive) as pack:
            for member in pack:
                if member.isfile():
                    target = _target(archive, folder, member.name)
                    yield _write(pack.extractfile(member), target)
                elif not member.isdir():
                    raise UserError(f"{archive}: {member.name} is a link or a device", "such archives are not unpacked")
    else:
        with gzip.open(archive) as source:
            yield _write(source, folder / archive.name[:-3])


def _target(archive: Path, folder: Path, name: str) -> Path:
    """Where a member goes; refuses any that would leave `folder`."""
    place = PurePosixPath(name.replace("\\", "/"))
    if place.is_absolute() or ".." in place.parts or ":" in name.partition("/")[0]:
        raise UserError(
            f"{archive}: its member {name!r} would be written outside of {folder}", "do not use this archive"
        )
    target = folder / place
    if not target.parent.resolve().is_relative_to(folder.resolve()):  # through a link that lies there
        raise UserError(
            f"{archive}: its member {name!r} leads outside of {folder} through a link", "unpack it elsewhere"
        )
    return target


def _write(source, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink():
        target.unlink()
    with target.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    return target
