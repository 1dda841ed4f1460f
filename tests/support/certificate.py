"""Certificates of 127.0.0.1 for tests, made by openssl."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")


def make_certificate(place: Path, name: str, start: str = "20200101000000Z", end: str = "20990101000000Z") -> Path:
    """Make a self-signed certificate, valid for the two names of this machine; its key lies beside it."""
    (place / "index.txt").write_text("")
    (place / "serial").write_text("01")
    (place / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={place}/index.txt\nserial={place}/serial\nnew_certs_dir={place}\n"
        "default_md=sha256\npolicy=p\nx509_extensions=e\n[p]\ncommonName=supplied\norganizationName=optional\n"
        "[e]\nsubjectAltName=IP:127.0.0.1\n"
    )
    key, request, certificate = place / f"{name}.key", place / "req.pem", place / f"{name}.crt"
    subject = {"server": "/CN=127.0.0.1", "client": "/O=system:nodes/CN=system:node:node-1"}[name]
    asked = [
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-subj",
        subject,
        "-keyout",
        key,
        "-out",
        request,
    ]
    signed = ["ca", "-batch", "-selfsign", "-config", place / "ca.cnf", "-keyfile", key, "-in", request]
    dates = ["-startdate", start, "-enddate", end, "-out", certificate]
    subprocess.run(["openssl", *map(str, asked)], capture_output=True, check=True)
    subprocess.run(["openssl", *map(str, signed), *map(str, dates)], capture_output=True, check=True)
    return certificate


@cache
def server_certificate() -> tuple[Path, Path]:
    """Return the certificate and key of every server of this run that needs no special ones."""
    place = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    certificate = make_certificate(Path(place), "server")
    return certificate, certificate.with_suffix(".key")
