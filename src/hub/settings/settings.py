"""Every knob of the hub: its unit, its default and its sentence.  `hub settings` lists them."""

import ipaddress
import os
from itertools import combinations
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from hub.errors import StartError
from hub.settings import environment
from hub.urls import http_url, is_database, is_origin, is_web_address, without_secrets

Port = Annotated[int, Field(ge=0, le=65535)]
Host = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0)]

_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104  recognised, not listened on


class Settings(BaseSettings):
    """The defaults run a complete hub on one machine with no other service."""

    model_config = SettingsConfigDict(
        env_prefix=environment.PREFIX,
        env_file=environment.FILE,
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        allow_inf_nan=False,
    )

    data_dir: Path = Field(Path("var"), description="Folder of the embedded database.")
    database_url: str = Field(
        "",
        description="Where the log lives: sqlite:///FILE or postgresql+asyncpg://…;"
        " empty means hub.db in the data dir.",
    )
    database_password_file: Path | None = Field(
        None, description="File that holds the password of the database URL."
    )
    http_host: Host = Field("127.0.0.1", description="Address of HTTP.")
    http_port: Port = Field(8000, description="Port of HTTP; 0 picks a free one.")
    callback_host: Host | None = Field(
        None,
        description="Address of a listener for callbacks alone; with it, or with its port,"
        " /callbacks and /healthz alone answer there, and callbacks nowhere else."
        " Unset means the HTTP address.",
    )
    callback_port: Port | None = Field(
        None, description="Port of that listener; 0 picks a free one. Unset means the HTTP port."
    )
    grpc_host: Host = Field("127.0.0.1", description="Address of gRPC.")
    grpc_port: Port = Field(50051, description="Port of gRPC; 0 picks a free one.")
    public_url: str = Field(
        "",
        description="What providers reach, such as https://hub.example.com; signatures are"
        " checked against it. Empty means the address of callbacks.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Addresses or networks, separated by commas, whose forwarded headers"
        " are believed. None by default.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is logged."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto means console on a terminal, else JSON."
    )

    max_body_bytes: int = Field(1_048_576, ge=1024, description="Largest body of any request.")
    body_seconds: Seconds = Field(10.0, description="Longest a callback's body may take to arrive.")
    codes_file: Path | None = Field(
        None, description="CSV of error codes that come before the built-in ones."
    )
    commit_batch: int = Field(500, ge=1, le=5000, description="Most receipts in one transaction.")
    commit_queue: int = Field(
        10_000,
        ge=1,
        description="Most receipts, or KiB of bodies, waiting for a commit; beyond it callbacks"
        " get 503.",
    )
    lock_seconds: Seconds = Field(2.0, description="Longest wait for the database's write lock.")
    poll_seconds: Seconds = Field(
        0.5, description="How often the log is read for receipts of other replicas."
    )
    feed_window: int = Field(
        20_000, ge=100, description="Newest receipts kept in memory for readers."
    )

    heartbeat_seconds: Seconds = Field(15.0, description="Longest a stream is silent.")
    drain_seconds: float = Field(
        10.0, ge=0, description="Longest a shutdown waits for streams and posts."
    )
    slow_reader_seconds: Seconds = Field(
        30.0, description="Longest a stream's reader may take nothing before it is ended."
    )
    max_streams: int = Field(
        5000, ge=1, description="Most open streams, gRPC and GraphQL together."
    )
    max_streams_per_consumer: int = Field(
        1500, ge=1, description="Most open streams of one consumer."
    )
    account_refresh_seconds: Annotated[float, Field(gt=0, le=20)] = Field(
        5.0, description="How often accounts are read again, so how soon a revocation is felt."
    )

    grpc_reflection: bool = Field(True, description="Whether gRPC describes itself.")
    grpc_tls_certificate: Path | None = Field(
        None, description="PEM chain; with the key turns TLS on."
    )
    grpc_tls_key: Path | None = Field(None, description="PEM key of the certificate.")
    grpc_tls_client_ca: Path | None = Field(
        None, description="PEM of the CAs whose client certificates are required (mTLS)."
    )
    grpc_max_message_bytes: int = Field(4_194_304, ge=65536, description="Largest gRPC request.")

    graphql_introspection: bool = Field(True, description="Whether the schema can be asked for.")
    graphql_max_depth: int = Field(12, ge=1, description="Deepest nesting of an operation.")
    graphql_max_tokens: int = Field(2000, ge=100, description="Most tokens of a document.")
    graphql_max_aliases: int = Field(30, ge=1, description="Most aliases of a document.")
    graphql_max_cost: int = Field(
        50_000, ge=100, description="Highest cost of an operation, by page sizes and fields."
    )
    graphql_allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Origins, separated by commas, whose pages may call the API and open sockets;"
        " none means the hub's own pages and clients that send no origin.",
    )
    trusted_documents: Path | None = Field(
        None, description="Folder of .graphql files; when set, only their operations run."
    )

    retention_days: float | None = Field(
        None, gt=0, description="Age at which receipts are purged; unset keeps them for ever."
    )
    retention_floor_days: float = Field(
        0.0,
        ge=0,
        description="Least age that retention may be set to, for laws that demand keeping.",
    )
    raw_retention_days: float | None = Field(
        None, gt=0, description="Age at which raw bodies are purged; unset follows retention_days."
    )
    retention_hold_days: float = Field(
        7.0, ge=0, description="Longest that a lagging subscription holds the purge back."
    )
    quarantine_max_bytes: int = Field(
        268_435_456,
        ge=0,
        description="Most raw bytes in quarantine; beyond it the oldest resolved go,"
        " then callbacks that need it get 503.",
    )

    @field_validator("trusted_proxies", "graphql_allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for part in value:
            ipaddress.ip_network(part, strict=False)
        return value

    @field_validator("graphql_allowed_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        origins = tuple(origin.lower() for origin in value)  # as browsers send them
        if not all(is_origin(origin) for origin in origins):
            message = "it takes origins such as https://app.example.com or http://localhost:5173"
            raise ValueError(message)
        return origins

    @field_validator("public_url")
    @classmethod
    def _reachable(cls, value: str) -> str:
        if value and not is_web_address(value):
            message = "it takes http://HOST or https://HOST, with a port or a path if need be"
            raise ValueError(message)
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not is_database(value):
            message = "it takes sqlite:///FILE or postgresql+asyncpg://USER@HOST/NAME"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        self._check_addresses()
        if (self.grpc_tls_certificate is None) != (self.grpc_tls_key is None):
            message = "HUB_GRPC_TLS_CERTIFICATE and HUB_GRPC_TLS_KEY go together"
            raise ValueError(message)
        if self.retention_days is not None and self.retention_days < self.retention_floor_days:
            message = (
                f"HUB_RETENTION_DAYS is {self.retention_days:g} and may not be below"
                f" HUB_RETENTION_FLOOR_DAYS, which is {self.retention_floor_days:g}"
            )
            raise ValueError(message)
        return self

    def _check_addresses(self) -> None:
        """No two listeners may share an address."""
        callbacks = ("callback",) if self.callbacks_apart else ()
        for one, other in combinations(("http", *callbacks, "grpc"), 2):
            (host, port), (other_host, other_port) = self.address(one), self.address(other)
            hosts = {host.lower(), other_host.lower()}
            shared = len(hosts) == 1 or not hosts.isdisjoint(_ANY_ADDRESS)
            if shared and port == other_port != 0:
                message = (
                    f"{variable(f'{other}_port')} holds {port}, and so does"
                    f" {variable(f'{one}_port')}; it takes another port, or 0 for a free one"
                )
                raise ValueError(message)

    def address(self, surface: str) -> tuple[str, int]:
        """Host and port that *surface* has: `http`, `callback` or `grpc`."""
        if surface == "grpc":
            return self.grpc_host, self.grpc_port
        if surface == "http":
            return self.http_host, self.http_port
        port = self.http_port if self.callback_port is None else self.callback_port
        return self.callback_host or self.http_host, port

    @property
    def callbacks_apart(self) -> bool:
        """Whether callbacks have a listener of their own."""
        return self.callback_host is not None or self.callback_port is not None

    @property
    def store_url(self) -> str:
        """The database URL with its default and its password filled in; never print it."""
        url = self.database_url or f"sqlite:///{self.data_dir / 'hub.db'}"
        if self.database_password_file is None:
            return url
        try:
            password = self.database_password_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            message = f"HUB_DATABASE_PASSWORD_FILE: {error.strerror}: {error.filename}"
            raise StartError(message) from error
        parts = urlsplit(url)
        user, _, host = parts.netloc.rpartition("@")
        netloc = f"{user.partition(':')[0]}:{quote(password, safe='')}@{host}"
        return parts._replace(netloc=netloc).geturl()

    @property
    def embedded(self) -> bool:
        """Whether the log lives in SQLite."""
        return self.store_url.startswith("sqlite")

    @property
    def callback_base(self) -> str:
        """The URL in front of `/callbacks/…` as providers reach it, without a slash at its end."""
        return (self.public_url or http_url(*self.address("callback"))).rstrip("/")


def load() -> Settings:
    """Read the environment and `.env`.  Raises `StartError` that names the variable or line."""
    environment.check()
    try:
        return Settings()
    except ValidationError as error:
        raise StartError(_explain(error)) from None


def variable(name: str) -> str:
    """The environment variable of the field *name*."""
    return f"{environment.PREFIX}{name.upper()}"


def unknown() -> list[str]:
    """A sentence on each variable that looks like a setting and is none."""
    return environment.unknown([variable(name) for name in Settings.model_fields])


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return reason
    name = variable(str(first["loc"][0]))
    return f"{name} holds {_held(name, first['input'])!r}: {reason}"


def _held(name: str, given: object) -> str:
    """What the variable *name* holds, without what may be a secret."""
    shown = ",".join(map(str, given)) if isinstance(given, tuple) else str(given)
    text = os.environ.get(name, shown)
    return without_secrets(text) if "URL" in name or "://" in text else text
