"""Read an MLflow model's `MLmodel` file as plain data: what it is, what it takes, how it would be loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

LARGEST_CARD = 1 << 20
NATIVE_FLAVOURS = ("sklearn", "xgboost", "lightgbm")

# Types that scikit-learn's and LightGBM's own models need beside what skops trusts by itself. They
# hold numbers, not code. Any other type that a model asks to be trusted counts as code.
DATA_TYPES = frozenset(
    {
        "collections.OrderedDict",
        "collections.defaultdict",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRegressor",
        "sklearn._loss._loss.CyHalfBinomialLoss",
        "sklearn._loss._loss.CyHalfSquaredError",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.link.IdentityLink",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn._loss.loss.HalfSquaredError",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.tree._tree.Tree",
    }
)


class ModelCardRefused(ValueError):
    """The MLmodel file is missing or does not say what is needed; the message says which."""


@dataclass(frozen=True)
class SignatureColumn:
    """One input or output of the signature; a tensor without a name has the name ''."""

    name: str
    type: str
    required: bool = True


@dataclass(frozen=True)
class Loading:
    """How a flavour's model is loaded: `form` is skops, pickle, cloudpickle, native or pyfunc."""

    flavour: str
    form: str
    data: str
    model_class: str
    code: str
    trusted: tuple[str, ...]

    @property
    def by_code(self) -> bool:
        """Whether loading runs code that came with the model: its numbers are then its own claim."""
        untrusted = self.form == "skops" and not set(self.trusted) <= DATA_TYPES
        return bool(self.code) or untrusted or self.form in ("pickle", "cloudpickle", "pyfunc")


@dataclass(frozen=True)
class ModelCard:
    """What an MLmodel file claims. `flavour` is the one to prefer: native where there is one."""

    flavour: str
    loadings: dict[str, Loading]
    inputs: tuple[SignatureColumn, ...]
    outputs: tuple[SignatureColumn, ...]
    run_id: str
    model_id: str
    model_uuid: str
    mlflow_version: str
    python_version: str
    library_version: str
    created_at: str

    @property
    def loading(self) -> Loading:
        return self.loadings[self.flavour]

    @property
    def loaded_by_code(self) -> bool:
        return self.loading.by_code

    def loading_as(self, flavour: str) -> Loading:
        """How to load as `flavour`. Raises ModelCardRefused naming the flavours that there are."""
        if flavour not in self.loadings:
            raise ModelCardRefused(f"the model has no flavour {flavour!r}; it has {', '.join(self.loadings)}")
        return self.loadings[flavour]


def inspect_model(model_folder: Path | str) -> ModelCard:
    """Read `MLmodel` in `model_folder` with a safe YAML reader; nothing of the model is run or imported.

    Raises ModelCardRefused with the reason.
    """
    card = _read_yaml(Path(model_folder, "MLmodel"))
    flavours = _mapping(card, "flavors")
    loadings = {name: _loading(name, config) for name, config in _known(flavours).items()}
    if not loadings:
        raise ModelCardRefused(f"MLmodel has none of the flavours {', '.join((*NATIVE_FLAVOURS, 'pyfunc'))}")
    flavour = next(name for name in (*NATIVE_FLAVOURS, "pyfunc") if name in loadings)
    signature = card.get("signature") or {}
    return ModelCard(
        flavour=flavour,
        loadings=loadings,
        inputs=_columns(signature, "inputs"),
        outputs=_columns(signature, "outputs"),
        python_version=_text(flavours.get("python_function") or {}, "python_version"),
        library_version=_library_version(flavours.get(flavour) or {}),
        created_at=_text(card, "utc_time_created"),
        **{name: _text(card, name) for name in ("run_id", "model_id", "model_uuid", "mlflow_version")},
    )


class _PlainLoader(yaml.SafeLoader):
    """Safe types only, and no merge keys: nested merges grow without bound."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        return None


def _read_yaml(path: Path) -> dict:
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_CARD + 1)
    except OSError as error:
        raise ModelCardRefused(f"the artefact has no readable MLmodel file ({error.strerror})") from error
    if len(text) > LARGEST_CARD:
        raise ModelCardRefused(f"MLmodel is larger than {LARGEST_CARD // 1024} KiB")
    try:
        card = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise ModelCardRefused("MLmodel is not YAML") from error
    if not isinstance(card, dict):
        raise ModelCardRefused("MLmodel is not a mapping")
    return card


def _known(flavours: dict) -> dict[str, dict]:
    names = {"python_function": "pyfunc", **{name: name for name in NATIVE_FLAVOURS}}
    return {names[name]: config for name, config in flavours.items() if name in names and isinstance(config, dict)}


def _loading(flavour: str, config: dict) -> Loading:
    data = _inner_path(_text(config, "pickled_model") or _text(config, "data"))
    return Loading(
        flavour=flavour,
        form=_form(flavour, config),
        data=data,
        model_class=_text(config, "model_class"),
        code=_inner_path(_text(config, "code")),
        trusted=_texts(config.get("skops_trusted_types") or []),
    )


def _form(flavour: str, config: dict) -> str:
    if flavour == "pyfunc":
        return "pyfunc"
    booster = _text(config, "model_class") in ("", "lightgbm.basic.Booster")
    if flavour == "xgboost" or (flavour == "lightgbm" and booster):
        return "native"
    form = _text(config, "serialization_format") or ("pickle" if flavour == "sklearn" else "cloudpickle")
    if form not in ("skops", "pickle", "cloudpickle"):
        raise ModelCardRefused(f"the flavour {flavour} is stored as {form[:40]!r}, which is not known")
    return form


def _inner_path(path: str) -> str:
    parts = PurePosixPath(path).parts
    if ".." in parts or path.startswith("/"):
        raise ModelCardRefused(f"MLmodel points outside its folder: {path[:80]!r}")
    return path


def _columns(signature: object, side: str) -> tuple[SignatureColumn, ...]:
    text = signature.get(side) if isinstance(signature, dict) else None
    if text is None:
        return ()
    try:
        columns = json.loads(text)
        return tuple(_column(column) for column in columns)
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise ModelCardRefused(f"the signature's {side} cannot be read") from error


def _column(column: dict) -> SignatureColumn:
    kind = column["type"]
    if kind == "tensor":
        kind = f"tensor({column['tensor-spec']['dtype']})"
    return SignatureColumn(str(column.get("name", "")), str(kind), bool(column.get("required", True)))


def _mapping(card: dict, key: str) -> dict:
    if not isinstance(card.get(key), dict):
        raise ModelCardRefused(f"MLmodel has no {key}")
    return card[key]


def _library_version(config: dict) -> str:
    return next((_text(config, key) for key in ("sklearn_version", "xgb_version", "lgb_version") if key in config), "")


def _text(config: dict, key: str) -> str:
    value = config.get(key)
    return "" if value is None or isinstance(value, (dict, list)) else str(value)[:500]


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ModelCardRefused("the list of trusted types is not a list of names")
    return tuple(values)
