"""Judges and mints tokens with the published m8 SDK: a request a line on stdin, an answer a line on
stdout. Its clock stands still where the request says."""

import asyncio
import datetime
import json
import sys

import jwt
from auth_sdk_m8.core.exceptions import InvalidToken
from auth_sdk_m8.schemas.auth import TokenAccessData, TokenSecret
from auth_sdk_m8.security import (
    RefreshTokenPolicy,
    TokenPolicy,
    TokenValidationConfig,
    TokenValidator,
    refresh_token_policy,
)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa


class Standing(datetime.datetime):
    """A clock that stands still."""

    moment = 0

    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(cls.moment, tz)


# Both look at the clock by themselves.
jwt.api_jwt.datetime = Standing
refresh_token_policy.datetime = Standing


class Recorder:
    """Hooks that write down what they are told."""

    def __init__(self):
        self.heard = []

    def on_success(self, **said):
        self.heard.append({"success": said})

    def on_failure(self, **said):
        self.heard.append({"failure": said})


class Sessions:
    """A session store of one process."""

    def __init__(self, revoked):
        self.revoked = set(revoked)

    async def is_revoked(self, jti):
        return jti in self.revoked


class Store:
    """A refresh token store of one process, with a log of what it was asked."""

    def __init__(self):
        self.valid = set()
        self.calls = []

    async def is_valid(self, jti):
        self.calls.append(["is_valid", jti])
        return jti in self.valid

    async def rotate(self, old_jti, new_jti, ttl_seconds):
        self.calls.append(["rotate", old_jti, new_jti, ttl_seconds])
        self.valid.discard(old_jti)
        self.valid.add(new_jti)

    async def revoke(self, jti):
        self.calls.append(["revoke", jti])
        self.valid.discard(jti)


def judged(judge, hooks):
    """What comes of it, and what the hooks hear."""
    hooks.heard = []
    try:
        answer = {"ok": True, **judge()}
    except InvalidToken as error:
        answer = {"ok": False, "message": str(error)}
    except Exception as error:  # What it lets through is an answer too.
        answer = {"ok": False, "leaked": type(error).__name__}
    return {**answer, "heard": hooks.heard}


def secret(request):
    return TokenSecret(secret_key=request["key"], algorithm=request["alg"])


def validate(request):
    Standing.moment = request["now"]
    hooks = Recorder()
    config = TokenValidationConfig(**request["config"])
    validator = TokenValidator(secret(request), config, hooks=hooks)
    if "revoked" in request:
        policy = TokenPolicy(validator, store=Sessions(request["revoked"]), hooks=hooks)
        judge = lambda: asyncio.run(policy.validate(request["token"]))
    else:
        judge = lambda: validator.validate_access_token(request["token"])
    return judged(lambda: {"user": judge().model_dump(mode="json")}, hooks)


def mint(request):
    """What an issuer signs for each of the users, with a key of its own or a secret, and what it is
    verified with."""
    alg, private = request["alg"], request["secret"]
    public = private
    if alg != "HS256":
        private = new_key(alg)
        encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        public = private.public_key().public_bytes(encoding, form).decode()
    tokens = []
    for user in request["users"]:
        claims = TokenAccessData(**user).model_dump(mode="json") | request["registered"]
        tokens.append(jwt.encode(claims, private, alg, headers={"kid": "k1"}))
    return {"tokens": tokens, "key": public}


def new_key(alg):
    if alg == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def encode(request):
    return {"token": jwt.encode(request["claims"], request["key"], request["alg"])}


def refresh(request):
    """One policy and one store, and several steps."""
    hooks, store = Recorder(), Store()
    policy = RefreshTokenPolicy(secret(request), store=store, hooks=hooks)

    def exchange(step):
        exchanged = policy.validate_and_rotate(step["exchange"], step["new"], step["ttl"])
        subject, old = asyncio.run(exchanged)
        return {"subject": str(subject), "old": old}

    answers = []
    for step in request["steps"]:
        Standing.moment = step.get("now", request["now"])
        if "register" in step:
            store.valid.add(step["register"])
            answers.append({})
        elif "revoke" in step:
            asyncio.run(policy.revoke(step["revoke"]))
            answers.append({})
        else:
            answers.append(judged(lambda: exchange(step), hooks))
    return {"steps": answers, "calls": store.calls}


ACTIONS = {"validate": validate, "mint": mint, "encode": encode, "refresh": refresh}

requests = [json.loads(line) for line in sys.stdin]
for request in requests:
    print(json.dumps(ACTIONS[request["do"]](request)))
