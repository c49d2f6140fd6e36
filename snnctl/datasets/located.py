"""Sources whose files lie in a folder: where to look, how to get them, and what to say when they are not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

from snnctl.datasets.download import fetch
from snnctl.datasets.fingerprint import digest
from snnctl.datasets.source import Source
from snnctl.datasets.unpack import unfinished, unpack
from snnctl.errors import UserError


class Archive(NamedTuple):
    """A file that the publisher offers.

    Args:
        url: where; a web page where it cannot be downloaded by a program.
        path: where it is to lie.
        checksum: "md5:..." or "sha256:..."; None where none is published.
        manual: True where only a person can get it (a login, a form, a service that asks back).
        packed: True where it must be unpacked into its folder.
    """

    url: str
    path: Path
    checksum: str | None = None
    manual: bool = False
    packed: bool = True


class LocatedSource(Source):
    """A source that looks for its files in places under `root`.

    Args:
        root: the folder of data sets.
        name: as of its YAML, for messages and commands.
        fetch: what `download` gets: [{url, path (relative to root), checksum, manual, packed}].
        hint: another way to get it, for the message when it is missing ("apt-get install ...").

    Attributes:
        made_by: functions of other files that recordings pass through; their code enters the fingerprint.
    """

    made_by: ClassVar[tuple[Callable, ...]] = ()

    def __init__(self, root: str | Path, name: str, fetch: Iterable[Mapping] = (), hint: str = ""):
        super().__init__(root)
        self._name = str(name)
        self._archives = [dict(entry) for entry in fetch]
        self._hint = hint

    @property
    def name(self) -> str:
        """The name of its YAML."""
        return self._name

    def archives(self) -> list[Archive]:
        """What `download` gets."""
        return [Archive(**{**entry, "path": self.root / entry["path"]}) for entry in self._archives]

    def needed(self) -> list[Archive]:
        """The archives to get: all where nothing is there, else those of which the unpacking was interrupted."""
        return self.archives() if not self.there() else [a for a in self.archives() if unfinished(a.path)]

    def there(self) -> bool:
        """Whether the files are where `parts` looks for them."""
        raise NotImplementedError

    def looked(self) -> list[Path]:
        """Where `parts` looks, most likely place first."""
        raise NotImplementedError

    def locate(self, places: Iterable[str]) -> Path | None:
        """The first of `places` (under root, or absolute; may hold * and ?) that exists; None where none does."""
        for place in places:
            if (self.root / place).exists():
                return self.root / place
            if any(c in place for c in "*?") and (found := sorted(self.root.glob(place))):
                return found[0]
        return None

    def missing(self, reason: str = "") -> UserError:
        """The error that says what is not where, and how to get it."""
        looked = self.looked()
        lines = [f"looked for   {path}" for path in looked]
        archives = self.archives()
        if any(not a.manual for a in archives):
            lines.append(f"get it       snnctl data get {self.name}")
        if self._hint:
            lines.append(f"{'or' if archives else 'get it':<12} {self._hint}")
        for archive in archives:
            lines += [f"or fetch     {archive.url}", f"and put it   {archive.path.absolute()}"]
        if archives:
            lines.append(f"then         snnctl data get {self.name}   checks and unpacks it")
        lines.append("elsewhere    dataset.root=FOLDER")
        return UserError(reason or f"the data set {self.name} is not in {self.root.absolute()}", "\n".join(lines))

    def fingerprint(self) -> str:
        """As of every source, and the code of `made_by`."""
        return digest(super().fingerprint(), *self.made_by)

    def download(self) -> None:
        """Get the set if nothing of it is there: all archives, then unpack all; one that a person put in place is used.

        Where recordings lie already, be they few, nothing is fetched.

        Raises:
            UserError: see `fetch` and `unpack`; it must be fetched by hand; it is still not complete afterwards.
        """
        archives = self.needed()
        if not archives and not self.there():
            raise self.missing()
        for archive in archives:
            if archive.manual and not archive.path.exists():
                raise self.missing(f"the data set {self.name} cannot be downloaded by a program")
            try:
                fetch(archive.url, archive.path, archive.checksum)
            except UserError as error:
                raise UserError(error.problem, self._other_way(error.hint)) from error
        for archive in archives:
            if archive.packed:
                unpack(archive.path, archive.path.parent)
        if not self.there():
            raise self.missing(f"{self.name}: downloaded and unpacked, but the files are not where they should be")

    def _other_way(self, hint: str) -> str:
        """A failed download's hint, led by the way that needs no download, where there is one."""
        return f"another way            {self._hint.rstrip(',')}\n{hint}" if self._hint else hint

    def refuse_unfinished(self, archives: Iterable[Archive]) -> None:
        """Raise a UserError where unpacking one of them was interrupted: some files would be missing."""
        for archive in archives:
            if unfinished(archive.path):
                raise UserError(
                    f"{archive.path}: unpacking it was interrupted, the data set {self.name} is not complete",
                    f"finish it   snnctl data get {self.name}",
                )
