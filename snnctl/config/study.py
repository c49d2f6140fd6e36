"""What an Optuna sweep needs to be repeatable and continued: sampler seed, direction, name, trials still to go."""

from __future__ import annotations

from omegaconf import DictConfig, OmegaConf

from snnctl.config.folders import Recipe
from snnctl.errors import UserError
from snnctl.objective import falls


def settle(cfg: DictConfig, overrides: list[str], recipe: Recipe) -> list[str]:
    """Overrides that complete `hydra.sweeper`; what the user gave stays.

    The sampler's seed is `cfg.seed` plus the number of trials already in the storage, so that a continued study
    draws new points. Where jobs run one after the other, so do trials. `n_trials` is the study's total: a continued
    one runs what is missing.

    Raises:
        UserError: the study in the storage is complete already.
    """
    sweeper = cfg.hydra.sweeper
    given = {o.lstrip("+").partition("=")[0] for o in overrides} | _in_recipe(recipe)
    more = []
    name = sweeper.get("study_name")
    if sweeper.get("storage") and not name:
        name = recipe.name
        more.append(f"hydra.sweeper.study_name={name}")
    tried, finished = _trials(sweeper.get("storage"), name)
    if isinstance(sweeper.sampler, DictConfig) and "seed" in sweeper.sampler and sweeper.sampler.seed is None:
        more.append(f"hydra.sweeper.sampler.seed={int(cfg.get('seed', 0)) + tried}")
    if "hydra.sweeper.direction" not in given:
        direction = "minimize" if falls(str(cfg.get("objective", ""))) else "maximize"
        more.append(f"hydra.sweeper.direction={direction}")
    if "hydra.sweeper.n_jobs" not in given and "BasicLauncher" in str(cfg.hydra.launcher.get("_target_")):
        more.append("hydra.sweeper.n_jobs=1")  # one after the other anyway: each trial learns from the last
    if finished:
        left = int(sweeper.n_trials) - finished
        if left <= 0:
            raise UserError(
                f"study {name} has its {sweeper.n_trials} trials already",
                f"for more       hydra.sweeper.n_trials={finished + int(sweeper.n_trials)}\n"
                "or anew        hydra.sweeper.study_name=ANOTHER",
            )
        print(f"study {name}: {finished} of {sweeper.n_trials} trials are there, {left} to go")
        more.append(f"hydra.sweeper.n_trials={left}")
    return more


def _in_recipe(recipe: Recipe) -> set[str]:
    """The `hydra.sweeper` keys that the recipe itself sets."""
    body = OmegaConf.load(recipe.path)
    sweeper = OmegaConf.select(body, "hydra.sweeper") if isinstance(body, DictConfig) else None
    return {f"hydra.sweeper.{key}" for key in sweeper} if isinstance(sweeper, DictConfig) else set()


def _trials(storage: str | None, name: str | None) -> tuple[int, int]:
    """How many trials a stored study has begun and finished."""
    if not storage or not name:
        return 0, 0
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        trials = optuna.load_study(study_name=name, storage=storage).trials
    except KeyError:  # no study of that name yet
        return 0, 0
    return len(trials), sum(trial.state.is_finished() for trial in trials)
