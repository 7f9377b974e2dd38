"""Make the certificates, and read them from PEM: an authority of our own (ECDSA P-256), what it signs for the server. Called by
keeper.py, which says when; knows no Secret.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vedette_operator.webhook.renewal import AUTHORITY_VALID, SERVER_VALID, Certified, Step, Validity

_SKEW = timedelta(minutes=5)
"""Certificates begin so much in the past: the API server's clock may be behind ours."""


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, PEM."""

    certificate: bytes
    key: bytes


@dataclass(frozen=True)
class Certificates:
    """`former`: the certificate of the authority before, still trusted; empty: there is none."""

    authority: Pair
    server: Pair
    former: bytes = b""

    @property
    def bundle(self) -> bytes:
        """Whom the API server shall trust, PEM."""
        return self.authority.certificate + self.former


def carried_out(step: Step, found: Certificates | None, hosts: tuple[str, ...], now: datetime) -> Certificates:
    """`found` after that step. A first authority, or one after what could not be read, comes with a server's certificate."""
    if step is Step.AUTHORITY or found is None:
        authority = _new_authority(now)
        if found is None:
            return Certificates(authority, _new_server(authority, hosts, now))
        return Certificates(authority, found.server, found.authority.certificate)
    if step is Step.SERVER:
        return replace(found, server=_new_server(found.authority, hosts, now))
    return replace(found, former=b"") if step is Step.FORGET else found


def certified(found: Certificates) -> Certified:
    """Raises ValueError where it is not what we made: cut off, or a key of another certificate."""
    authority, server = _read(found.authority), _read(found.server)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if found.former:
        x509.load_pem_x509_certificate(found.former)
    return Certified(
        authority=_validity(authority),
        server=_validity(server),
        hosts=tuple(names.get_values_for_type(x509.DNSName)),
        signed=_signed(server, authority),
        former=bool(found.former),
    )


def _read(pair: Pair) -> x509.Certificate:
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    key = serialization.load_pem_private_key(pair.key, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError("a certificate and its key do not belong together")
    return certificate


def _validity(certificate: x509.Certificate) -> Validity:
    return Validity(certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def _signed(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _new_authority(now: datetime) -> Pair:
    """Named by its day: where two of one name are trusted, some readers try only the first."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"vedette-webhook-{now:%Y-%m-%d}")
    identity = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    builder = (
        _builder(name, name, key.public_key(), now, AUTHORITY_VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(identity, critical=False)
    )
    return _pair(builder.sign(key, hashes.SHA256()), key)


def _new_server(authority: Pair, hosts: tuple[str, ...], now: datetime) -> Pair:
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    signing = serialization.load_pem_private_key(authority.key, None)
    if not isinstance(signing, ec.EllipticCurvePrivateKey):
        raise ValueError("the authority's key is none of ours")
    key = ec.generate_private_key(ec.SECP256R1())
    identity = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(_name(hosts[0]), issuer.subject, key.public_key(), now, SERVER_VALID)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identity), critical=False)
    )
    return _pair(builder.sign(signing, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, valid: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + valid)
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    encoding, shape = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return Pair(certificate.public_bytes(encoding), key.private_bytes(encoding, shape, serialization.NoEncryption()))
