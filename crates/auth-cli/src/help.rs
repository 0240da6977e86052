//! What `--help` says after the flags.

pub(crate) const AUTHCTL: &str = "\
EXIT CODES:
  0  it was done; a token was accepted
  1  a token was rejected
  2  nobody knows, or the flags are wrong

EXAMPLES:
  authctl token verify --jwks jwks.json --iss https://issuer.example --aud my-api < token.txt
  authctl token decode < token.txt
  authctl token mint --alg ES256 --key private.pem < claims.json
  authctl mask --lines < service.log.jsonl
  authctl dev --json

Secrets come from files or standard input, never as arguments.";

pub(crate) const MASK: &str = "\
What may be shown is printed as it stands, and a value that may not is `***MASKED***`. A document
that is broken or was cut is printed up to the fault, and standard error says where that is. With
--lines each line is looked at by itself: of a private key in PEM only the first would be found.

EXIT CODES:
  0  all of it was masked
  1  some of the input is not JSON, as an empty line is none; what stands before the fault was printed
  2  the policy, the flags or the input were of no use

EXAMPLES:
  authctl mask < body.json
  authctl mask --lines --policy our-policy.json < service.log.jsonl
  authctl mask --policy strict --show status --show method < body.json
  authctl mask --format headers < headers.txt
  journalctl -u my-service | authctl mask --format text --lines";

pub(crate) const TOKEN: &str = "\
EXAMPLES:
  authctl token verify --jwks jwks.json --iss https://issuer.example --aud my-api < token.txt
  authctl token decode < token.txt
  authctl token mint --alg ES256 --key private.pem < claims.json";

pub(crate) const VERIFY: &str = "\
The token is read from standard input. One newline at its end is dropped, nothing else is.
`exp` and `sub` are required; so are `iss` and `aud` where they are compared. Where a token names
no key (`kid`), every key that fits its algorithm is tried.

VERDICT:
  With --json or --batch one line:
    {\"verdict\":\"accepted\",\"code\":null,\"claims\":{...}}
    {\"verdict\":\"rejected\",\"code\":\"expired\",\"claims\":null}
    {\"verdict\":\"undetermined\",\"code\":\"keys_unavailable\",\"claims\":null}
  Errors go to standard error; with --json as one line:
    {\"error\":{\"code\":\"...\",\"message\":\"...\",\"remedy\":\"...\"}}

CODES:
  malformed         not a well-formed signed JWT; also a blank line
  too_large         longer than 16 KiB
  alg_not_allowed   `alg` is not one that the key and --alg allow; `none` never is
  crit              needs a critical extension, and none is known
  typ               `typ` is not one that --typ allows, or the payload calls itself something else
  unknown_key       no key goes by the token's `kid`
  ambiguous_key     it names no key, and too many could be meant
  bad_signature     the signature is not that of the key
  expired           `exp` has passed, leeway included
  not_yet_valid     `nbf` or `iat` lies ahead, leeway included
  issuer            `iss` is none of --iss
  audience          `aud` names none of --aud
  missing_claim     a required claim is not there
  bad_claim         a claim is of the wrong type or out of range, or binds the token (`cnf`)
  keys_unavailable  the keys could not be had: undetermined, and not the token's fault

EXIT CODES:
  0  accepted
  1  rejected
  2  undetermined, the flags are wrong, or there was nothing to verify
  A batch exits with the worst of its verdicts.

EXAMPLES:
  authctl token verify --jwks jwks.json --iss https://issuer.example --aud my-api < token.txt
  authctl token verify --public-key issuer.pem --alg ES256 --json < token.txt
  authctl token verify --secret-file secret.txt --leeway 0 --now 1700000000 < token.txt
  authctl token verify --jwks jwks.json --batch < tokens.txt > verdicts.jsonl";

pub(crate) const DECODE: &str = "\
The token is read from standard input. Anybody can have written what it says: nothing is verified,
and exit code 0 says that it could be read and no more. To verify it, use `authctl token verify`.

EXIT CODES:
  0  it could be decoded
  1  it is malformed or too large
  2  the flags are wrong, or standard input cannot be read

EXAMPLES:
  authctl token decode < token.txt
  authctl token decode --json < token.txt";

pub(crate) const MINT: &str = "\
The claims are read from standard input: one JSON object of at most 512 KiB. It is signed as it
stands, order, numbers and white space between its members included, and NOTHING is added: a token
without `exp` never ends, and one without `sub` is about nobody. White space around the object is
dropped. Refused are claims that two readers could read differently, such as a member that occurs
twice.

EXIT CODES:
  0  the token is on standard output
  2  there is none: the key, the claims or the flags are of no use

EXAMPLES:
  authctl token mint --alg ES256 --key private.pem --kid 2026-11 < claims.json
  authctl token mint --alg HS256 --key secret.txt < claims.json | authctl token verify --secret-file secret.txt";

pub(crate) const DEV: &str = "\
One user has the role admin, one has not. Tokens are good for two hours, a refresh token once.
SIGINT and SIGTERM end it with exit code 0.

With --json one line, written when all is ready:
  {\"miso\":{\"url\",\"clientId\",\"clientSecret\",\"encryptionKey\",
           \"users\":[{\"username\",\"token\",\"refreshToken\",\"roles\",\"permissions\"}]},
   \"oidc\":{\"issuer\",\"jwksUri\",\"audience\"}}";
