"""Public certificates, documents and pictures that a tenant holds; made once and the same in every tenant.

The certificates are self-signed and their private keys were thrown away.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as keyCredentials and federation show it: DER in base64."""

    subject: str
    der: str
    starts: str
    ends: str

    @property
    def thumbprint(self) -> str:
        """Its SHA-1 in base64, Graph's customKeyIdentifier."""
        return base64.b64encode(hashlib.sha1(base64.b64decode(self.der), usedforsecurity=False).digest()).decode()


CERTIFICATES = (
    Certificate(
        "CN=Contoso automation",
        "MIIBOjCB4KADAgECAhQVISdrE4hoHknHOikHxJaBsbHcRzAKBggqhkjOPQQDAjAdMRswGQYDVQQDDBJDb250b3NvIGF1dG9tYXRp"
        "b24wHhcNMjUwNjAxMDAwMDAwWhcNMjgwNjAxMDAwMDAwWjAdMRswGQYDVQQDDBJDb250b3NvIGF1dG9tYXRpb24wWTATBgcqhkjO"
        "PQIBBggqhkjOPQMBBwNCAARf2DH2990/va0eAd+VEQ2zg3+4kZvL2qKsyMmix8bxVrS0d9dcq15+fw5Du/c3KhKIGSwzJYmJ2DqB"
        "bzKfygi9MAoGCCqGSM49BAMCA0kAMEYCIQDWEP0tVnmYjxdwuElVwrYJ67PM/RAMdXjpACWXT+T7mQIhALBHGAFIFvYJ6TDrRPA0"
        "+JpGFiz7vejvBS1OGqx/YE2T",
        "2025-06-01T00:00:00Z", "2028-06-01T00:00:00Z",
    ),
    Certificate(
        "CN=Contoso federation",
        "MIIBODCB4KADAgECAhRx1ltisSkd0sFY6ZkRzEfKWDpylzAKBggqhkjOPQQDAjAdMRswGQYDVQQDDBJDb250b3NvIGZlZGVyYXRp"
        "b24wHhcNMjUwNjAxMDAwMDAwWhcNMjgwNjAxMDAwMDAwWjAdMRswGQYDVQQDDBJDb250b3NvIGZlZGVyYXRpb24wWTATBgcqhkjO"
        "PQIBBggqhkjOPQMBBwNCAATg4rqvz3jJVcfo2zrNx8pquV4mhUNFjfRZ2Ufsw7ycQ3Wa2wnbt4LszaouMYzaZDbRuzvkwFMIVPG+"
        "XKVyAZOBMAoGCCqGSM49BAMCA0cAMEQCIDFeT5b0hnsFRPReIACTlvcyZVdtVXZYLhAQjzvj0mTbAiBDMVSJ0uKS1R0282cK0l5z"
        "HldObOFGI05j6Gep5qQyNA==",
        "2025-06-01T00:00:00Z", "2028-06-01T00:00:00Z",
    ),
    Certificate(
        "CN=Contoso Root CA",
        "MIIBSDCB76ADAgECAhRBzWjywDSe79+qYWAEKZ7xCHP0TDAKBggqhkjOPQQDAjAaMRgwFgYDVQQDDA9Db250b3NvIFJvb3QgQ0Ew"
        "HhcNMjUwNjAxMDAwMDAwWhcNMjgwNjAxMDAwMDAwWjAaMRgwFgYDVQQDDA9Db250b3NvIFJvb3QgQ0EwWTATBgcqhkjOPQIBBggq"
        "hkjOPQMBBwNCAAR52H2Paq1vJ/PQmScXJcrivE4VesOL7iPZyo23fTCT5QFo4LXOmaI2L4E5zB2c3uB5tfW9CZstFO/wZEJ0LzCx"
        "oxMwETAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQCZJE7YG05sgtaSw5r+NWnfZ8juBIfR02yrXQ+KHT6AzgIg"
        "fc0WK5staDB9CYHXHPn5T19axEPRevOuvtSxXEn9q5M=",
        "2025-06-01T00:00:00Z", "2028-06-01T00:00:00Z",
    ),
    Certificate(
        "CN=Contoso Issuing CA",
        "MIIBTTCB9aADAgECAhQQ3Sjr0x4Cde6eW9TjQIQtUzCDUTAKBggqhkjOPQQDAjAdMRswGQYDVQQDDBJDb250b3NvIElzc3Vpbmcg"
        "Q0EwHhcNMjUwNjAxMDAwMDAwWhcNMjgwNjAxMDAwMDAwWjAdMRswGQYDVQQDDBJDb250b3NvIElzc3VpbmcgQ0EwWTATBgcqhkjO"
        "PQIBBggqhkjOPQMBBwNCAARUBOcMqsGQf4RE/y+vjSuADTflaBIvN9sCQ7q+Wspg3llrJRkILNWezw1ivxVVA4sgl4xI7CMR+8Fj"
        "Katyaff3oxMwETAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCICGuNrtjMOmKr0BIDJzEbmSxvp1GqZJ9CbEWRSuf"
        "odQ3AiA+j23qaoCN6t+zn1ye1SxTF5j+49Nk6WRcMK+ciC9E9g==",
        "2025-06-01T00:00:00Z", "2028-06-01T00:00:00Z",
    ),
)  # fmt: skip

LOGO = (
    "iVBORw0KGgoAAAANSUhEUgAAADAAAAAwCAIAAADYYG7QAAAAOElEQVR42u3OMQ0AAAgDsMlGKILmgnA0qYAms78ICQkJCQkJCQkJ"
    "CQkJCQkJCQkJCQkJCQkJCd0pE0SspkogUz4AAAAASUVORK5CYII="
)
BANNER = (
    "iVBORw0KGgoAAAANSUhEUgAAAPUAAAAkCAIAAADeseu4AAAAYUlEQVR42u3SAQ0AAAjDsEtAKRLRho+nSRUsy+xBq0iAv8Hf4G/w"
    "N/gb/I2/wd/gb/A3+Bv8Df7G3+Bv8Df4G/wN/gZ/42/wN/gb/A3+Bn+Dv/E3+Bv8Df4Gf4O/8bcK1HrrO4mnPY6D/AAAAABJRU5E"
    "rkJggg=="
)
FAVICON = LOGO
STYLE = base64.b64encode(b".ext-sign-in-box { border-radius: 4px; }\n").decode()


def terms(language: str) -> str:
    """A small PDF of terms of use in base64."""
    text = f"Terms of use of Contoso ({language})"
    stream = f"BT /F1 18 Tf 72 720 Td ({text}) Tj ET"
    pdf = (
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R>>endobj\n"
        f"4 0 obj<</Length {len(stream)}>>stream\n{stream}\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )
    return base64.b64encode(pdf.encode()).decode()
