"""Where configs and recipes lie, and what is in them. Reads names only: no YAML parser, no Hydra."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from snnctl.errors import UserError, did_you_mean

DEFAULT = "digits_conv"
ROOT = "train"  # the config that every recipe starts from


def _beside(name: str) -> Path:
    """A folder that the wheel carries inside the package and a checkout has beside it."""
    package = Path(__file__).resolve().parent.parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def configs() -> Path:
    """The folder of config groups."""
    return _beside("configs")


def recipes() -> Path:
    """The folder of packaged recipes."""
    return _beside("recipes")


@dataclass(frozen=True)
class Recipe:
    """A recipe's place.

    Args:
        given: what the user wrote: a name or a path.
        path: the YAML file, absolute.
    """

    given: str
    path: Path

    @property
    def folder(self) -> Path:
        """What comes first on the search path."""
        return self.path.parent

    @property
    def name(self) -> str:
        """Hydra's config name."""
        return self.path.name.removesuffix(".yaml")

    @property
    def own(self) -> bool:
        """Whether the user wrote it, so that classes may lie beside it."""
        return self.folder not in (recipes(), configs())


def is_path(recipe: str) -> bool:
    """Whether a recipe is given as a file rather than by name."""
    return "/" in recipe or "\\" in recipe or recipe.endswith((".yaml", ".yml"))


def locate(recipe: str | Path | None) -> Recipe:
    """The file of a recipe: a packaged name, a path, or the default.

    Raises:
        UserError: there is no such recipe; names the nearest.
    """
    given = DEFAULT if recipe is None else str(recipe)
    if isinstance(recipe, Path) or is_path(given):
        return Recipe(given, _own_file(given))
    for folder in (recipes(), configs()):
        path = folder / f"{given}.yaml"
        if path.is_file() and (folder == recipes() or given == ROOT):
            return Recipe(given, path)
    hint = did_you_mean(given, names(recipes()))
    if Path(f"{given}.yaml").is_file():
        hint = f"your own file   ./{given}.yaml\n{hint}"
    raise UserError(f"unknown recipe  {given}", f"{hint}\nsee            snnctl ls recipes")


def _own_file(given: str) -> Path:
    path = Path(given).expanduser()
    if path.is_dir():
        raise UserError(f"{given} is a folder", "give the recipe in it, a YAML file; see   snnctl ls recipes")
    if not path.is_file():
        near = [str(p) for p in path.parent.glob("*.yaml")] if path.parent.is_dir() else []
        hint = did_you_mean(given, near) or "start from a recipe   snnctl cp digits_conv ./mine.yaml"
        raise UserError(f"no recipe file  {given}", hint)
    if path.suffix != ".yaml":
        raise UserError(f"{given} does not end in .yaml", f"rename it      mv {given} {path.with_suffix('.yaml')}")
    path = path.resolve()
    if path.stem == ROOT and path.parent != configs():
        raise UserError(
            f"{given} has the name of the config that all recipes start from",
            f"rename it      mv {given} {Path(given).with_name('mine.yaml')}",
        )
    return path


def names(folder: Path) -> list[str]:
    """The YAML files directly in a folder, without suffix, sorted."""
    return sorted(p.stem for p in folder.glob("*.yaml")) if folder.is_dir() else []


def groups(folder: Path | None = None) -> list[str]:
    """The config groups: folders with YAML files in them or below, as `dataset`, `neuron/lif`."""
    folder = folder or configs()
    found = {p.parent.relative_to(folder).as_posix() for p in folder.rglob("*.yaml")} - {"."}
    above = {"/".join(g.split("/")[:i]) for g in found for i in range(1, g.count("/") + 1)}
    return sorted(found | above)


def options(group: str, extra: tuple[Path, ...] = ()) -> list[str]:
    """The options of a group, with those in folders below (`lif/snntorch`), from configs/ and `extra` folders."""
    found: set[str] = set()
    for folder in (configs(), *extra):
        base = folder / group
        if base.is_dir():
            found.update(p.relative_to(base).as_posix().removesuffix(".yaml") for p in base.rglob("*.yaml"))
    return sorted(found)
