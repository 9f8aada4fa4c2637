"""TLS for the port, with certificates that are read again when their files change."""

import logging
import ssl
from pathlib import Path

import grpc

from hub.errors import StartError
from hub.settings import Settings, variable

_logger = logging.getLogger(__name__)
_Stamp = tuple[tuple[int, int], ...]


def credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """What the port needs for TLS, or None where no certificate is set."""
    if settings.grpc_tls_certificate is None or settings.grpc_tls_key is None:
        return None
    certificates = _Certificates(settings)
    try:
        first = certificates.load()
    except (OSError, ValueError) as error:
        message = f"{certificates.variables}: {error}"
        raise StartError(message) from error
    return grpc.dynamic_ssl_server_credentials(
        first,
        certificates.changed,  # type: ignore[arg-type]  # None means as before
        require_client_authentication=settings.grpc_tls_client_ca is not None,
    )


class _Certificates:
    """The files that the settings name, and when they were last read."""

    def __init__(self, settings: Settings) -> None:
        named = {
            "grpc_tls_certificate": settings.grpc_tls_certificate,
            "grpc_tls_key": settings.grpc_tls_key,
            "grpc_tls_client_ca": settings.grpc_tls_client_ca,
        }
        self._files = [path for path in named.values() if path is not None]
        self._read: _Stamp = ()
        self.variables = ", ".join(variable(name) for name, path in named.items() if path)

    def load(self) -> grpc.ServerCertificateConfiguration:
        """Read the files; raises OSError or ValueError where they cannot be used together."""
        stamp = self._stamp()
        certificate, key, *authorities = [path.read_bytes() for path in self._files]
        _check(*self._files)
        self._read = stamp
        return grpc.ssl_server_certificate_configuration(
            [(key, certificate)], authorities[0] if authorities else None
        )

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """The files as they are now, or None if they are as before; asked at every handshake."""
        try:
            return None if self._stamp() == self._read else self.load()
        except (OSError, ValueError) as error:
            _logger.warning("Kept the former TLS certificate: %s", error)
            return None

    def _stamp(self) -> _Stamp:
        stats = [path.stat() for path in self._files]
        return tuple((stat.st_mtime_ns, stat.st_size) for stat in stats)


def _check(certificate: Path, key: Path, authorities: Path | None = None) -> None:
    """Raise ssl.SSLError, an OSError, unless the three can serve together."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key, password=_no_password)
    if authorities:
        context.load_verify_locations(authorities)


def _no_password() -> str:
    message = "the key has a password, which the hub cannot ask for"
    raise ValueError(message)
