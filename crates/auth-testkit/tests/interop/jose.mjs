// Signs and verifies tokens with jose: a request a line on stdin, an answer a line on stdout.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// The package lies beside the build, not beside this file.
const { resolve } = createRequire(join(process.env.PEER_DIRECTORY, "peer.js"));
const jose = await import(pathToFileURL(resolve("jose")));

const bytes = (text) => new TextEncoder().encode(text);

async function sign({ alg, claims, secret }) {
  const signer = new jose.SignJWT(claims).setProtectedHeader({ alg, kid: "peer", typ: "JWT" });
  if (secret) return { token: await signer.sign(bytes(secret)) };
  const options = alg === "EdDSA" ? { crv: "Ed25519", extractable: true } : { extractable: true };
  const { publicKey, privateKey } = await jose.generateKeyPair(alg, options);
  const jwk = { ...(await jose.exportJWK(publicKey)), alg, kid: "peer", use: "sig" };
  return { token: await signer.sign(privateKey), jwk };
}

async function verify({ alg, token, secret, jwk, issuer, audience }) {
  const key = secret ? bytes(secret) : await jose.importJWK(jwk, alg);
  const options = { algorithms: [alg], issuer, audience, requiredClaims: ["exp", "sub"] };
  const { payload } = await jose.jwtVerify(token, key, options);
  return { claims: payload };
}

async function fetchAndVerify({ alg, token, issuer, audience }) {
  const discovery = await fetch(`${issuer}/.well-known/openid-configuration`);
  const { jwks_uri } = await discovery.json();
  const keys = jose.createRemoteJWKSet(new URL(jwks_uri));
  const { payload } = await jose.jwtVerify(token, keys, { algorithms: [alg], issuer, audience });
  return { claims: payload };
}

const actions = { sign, verify, "fetch-and-verify": fetchAndVerify };

const lines = readFileSync(0, "utf8").split("\n").filter(Boolean);
for (const line of lines) {
  const request = JSON.parse(line);
  console.log(JSON.stringify(await actions[request.do](request)));
}
