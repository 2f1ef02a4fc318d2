"""HTTP without certificates: each client would otherwise spend a tenth of a second reading the world's."""

import ssl
from functools import partial

import httpx

NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""What a client verifies with that talks to services of tests, where nothing is encrypted."""

get = partial(httpx.get, verify=NO_CERTIFICATES)
"""`httpx.get` of such a client."""
