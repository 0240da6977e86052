"""Signs and verifies tokens with PyJWT: a request a line on stdin, an answer a line on stdout."""

import json
import sys

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa


def new_key(alg):
    if alg.startswith(("RS", "PS")):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if alg.startswith("ES"):
        curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
        return ec.generate_private_key(curves[alg])
    return ed25519.Ed25519PrivateKey.generate()


def sign(request):
    alg = request["alg"]
    if alg.startswith("HS"):
        return {"token": jwt.encode(request["claims"], request["secret"], alg)}
    key = new_key(alg)
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {"token": jwt.encode(request["claims"], key, alg), "pem": pem.decode()}


def verify(request):
    key = request.get("secret") or request["pem"]
    options = {"require": ["exp", "iss", "aud", "sub"]}
    claims = jwt.decode(
        request["token"],
        key,
        algorithms=[request["alg"]],
        audience=request["audience"],
        issuer=request["issuer"],
        options=options,
    )
    return {"claims": claims}


def fetch_and_verify(request):
    uri = request["issuer"] + "/protocol/openid-connect/certs"
    key = jwt.PyJWKClient(uri).get_signing_key_from_jwt(request["token"])
    return verify({**request, "pem": key.key})


ACTIONS = {"sign": sign, "verify": verify, "fetch-and-verify": fetch_and_verify}

requests = [json.loads(line) for line in sys.stdin]
for request in requests:
    print(json.dumps(ACTIONS[request["do"]](request)))
