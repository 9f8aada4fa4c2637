"""Certificates for tests, made by `openssl`."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority in a folder of its own."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """What clients trust."""
        return self.folder / "ca.pem"

    def issue(self, name: str, certificate: Path, key: Path) -> None:
        """Write a certificate for localhost, whose subject is *name*, and its key."""
        request = self.folder / "request.pem"
        extensions = self.folder / "extensions"
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        _openssl("req", "-new", *_KEY, "-keyout", key, "-subj", f"/CN={name}", "-out", request)
        signer = ("-CA", self.certificate, "-CAkey", self.folder / "ca.key", "-CAcreateserial")
        _openssl(
            "x509", "-req", "-in", request, *signer, "-days", "2", "-extfile", extensions,
            "-out", certificate,
        )  # fmt: skip


def authority(folder: Path) -> Authority:
    """A new authority that keeps its files in *folder*."""
    folder.mkdir()
    out = ("-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    _openssl("req", "-x509", *_KEY, "-days", "2", "-subj", "/CN=Test authority", *out)
    return Authority(folder)


_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)
