//! The names that `iso27001` masks, each with the reason. `docs/masking.md` is printed from here.

use crate::Category;

/// Names of one category that are listed for one reason.
pub(super) struct Group {
    pub(super) category: Category,
    /// Why they are listed.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "it is for the page, which a test prints")
    )]
    pub(super) reason: &'static str,
    /// Sensitive wherever a name ends with them, and in the plural.
    pub(super) ends: &'static [&'static str],
    /// Sensitive only if nothing stands before them, because they mean something else elsewhere.
    pub(super) wholes: &'static [&'static str],
}

#[rustfmt::skip] // A table, read by the line.
pub(super) const GROUPS: &[Group] = &[
    Group {
        category: Category::Credentials,
        reason: "Passwords: whoever has one is its owner. `pass` alone is a password in most settings and a result in a few.",
        ends: &[
            "password", "passwd", "passwrd", "passw", "pswd", "pwd", "pass phrase", "pass code", "pass key",
            "user pass", "db pass", "database pass", "smtp pass", "mail pass", "mysql pass", "pg pass", "redis pass",
            "ftp pass", "admin pass", "root pass", "new pass", "old pass", "key pass", "store pass", "auth pass", "login pass",
            "become pass", "ssh pass", "default pass", "requirepass", "masterauth", "hashed pass",
            "pw", "pswrd", "rootpw", "userpw", "pword", "pwrd", "psw",
            "passwort", "kennwort", "contraseña", "contrasena", "senha", "mot de passe", "wachtwoord", "salasana",
            "lösenord", "adgangskode", "hasło", "пароль", "密码", "密碼", "パスワード",
        ],
        wholes: &["pass"],
    },
    Group {
        category: Category::Credentials,
        reason: "Secrets by name, and what is sealed or carries a password inside. `auth` alone holds user and password in many clients.",
        ends: &[
            "secret", "secret id", "credential", "cred", "authorization", "authorization header", "auth header",
            "basic auth", "http auth", "proxy auth", "connection string", "connection str", "conn string", "conn str", "dsn",
            "shared access signature", "plaintext", "cleartext", "kubeconfig", "docker config json", "docker auth", "htpasswd",
            "aspxauth", "keycloak identity", "asp net core identity application",
            "secret access", "secret word",
        ],
        wholes: &["auth", "authorisation"],
    },
    Group {
        category: Category::Credentials,
        reason: "Keys that open, sign or decrypt. `key` alone is not listed: most keys only find things (`primaryKey`, `cacheKey`).",
        ends: &[
            "api key", "app key", "application key", "access key", "secret key", "private key", "privkey", "encryption key",
            "decryption key", "encrypt key", "crypto key", "cipher key", "signing key", "sign key", "signature key", "master key",
            "root key", "shared key", "preshared key", "psk", "symmetric key", "aes key", "hmac key", "rsa key", "ec key", "ssh key",
            "deploy key", "host private key", "tls key", "ssl key", "client key", "server key", "account key", "storage key",
            "service account key", "auth key", "authentication key", "authorization key", "license key", "licence key",
            "consumer key", "subscription key", "functions key", "function key", "integration key", "write key", "admin key",
            "recovery key", "unlock key", "unseal key", "unsealing key", "wrapping key", "data encryption key", "key encryption key",
            "kek", "dek", "jwt key", "token key", "webhook key", "key material", "private jwk", "private pem", "fernet key", "rapidapi key",
            "encryption customer key", "keytab", "id rsa",
            "id dsa", "id ecdsa", "id ed25519", "xprv", "xpriv", "private exponent", "appwrite key", "cloudflare key", "rtmp key",
        ],
        wholes: &[],
    },
    Group {
        category: Category::Credentials,
        reason: "What proves somebody once: codes by mail or app, recovery words, answers. `pin` alone is a number to remember; elsewhere it is a pin on a map or a chip.",
        ends: &[
            "otp", "totp", "one time code", "one time pin", "otp code", "totp code", "mfa code", "2fa code", "tfa code",
            "two factor code", "sms code", "verification code", "login code", "access code", "auth code", "authorization code",
            "authorisation code", "device code", "user code", "recovery code", "backup code", "reset code", "activation code",
            "confirmation code", "code verifier", "oauth verifier", "magic link", "reset link", "seed phrase", "recovery phrase",
            "secret phrase", "mnemonic", "mnemonic phrase", "seed words", "security answer", "secret answer", "sca authentication data", "pin code", "pin number", "user pin", "card pin", "login pin",
            "account pin", "atm pin", "sim pin", "device pin", "new pin", "old pin", "current pin", "security pin", "transaction pin", "unlock pin",
            "parental pin", "voicemail pin", "tan code", "tan number", "mtan", "sms tan", "push tan", "photo tan", "chip tan",
            "encrypted pin", "hotp", "totp uri", "otpauth", "otpauth url", "mfa seed", "authenticator code", "puk",
        ],
        wholes: &["pin"],
    },
    Group {
        category: Category::Tokens,
        reason: "Bearer tokens of every kind: whoever holds one may use it.",
        ends: &[
            "token", "jwt", "jws", "jwe", "bearer", "id token hint", "client assertion", "saml assertion", "jwt assertion", "saml response", "wresult", "bearer auth", "payment nonce",
            "payment method nonce",
            "dpop", "github pat", "gitlab pat", "azure pat", "devops pat", "devops ext pat", "ticket granting ticket", "service ticket", "tgt", "tgc", "castgc",
        ],
        wholes: &["assertion"],
    },
    Group {
        category: Category::Tokens,
        reason: "Tokens against forged requests: known, they forge one.",
        ends: &["csrf", "xsrf", "xcsrf", "antiforgery"],
        wholes: &[],
    },
    Group {
        category: Category::Session,
        reason: "What continues somebody's session. `session` and `sid` alone are one; `gameSession` and `accountSid` are not.",
        ends: &[
            "session id", "sess id", "session cookie", "session key", "session state", "session handle", "session data", "user session",
            "auth session", "login session", "web session", "cookie", "set cookie", "cookie header", "php sess id", "jsession id",
            "connect sid", "laravel session", "keycloak session", "ci session", "rack session",
            "app session", "host session", "secure session", "asp net core session", "koa sess", "gh sess", "jsession id sso",
            "express sid", "session ticket",
        ],
        wholes: &["session", "sid", "sess"],
    },
    Group {
        category: Category::Payment,
        reason: "Card data (PCI DSS 3.3 to 3.5). Brand and last four digits may be shown, and have other names.",
        ends: &[
            "card number", "card no", "card num", "credit card", "debit card", "payment card", "cc number", "cc num", "cc no",
            "primary account number", "pan number", "fpan", "dpan", "card pan", "card data", "card details", "card info", "cardholder data", "card expiry",
            "card expiry date", "card expiration", "card expiration date", "card exp", "cc exp", "cvv", "cvc", "cvn", "cvv code", "cvc code",
            "card verification value", "card verification code", "security code", "track data", "magnetic stripe", "pin block",
        ],
        wholes: &["pan", "csc"],
    },
    Group {
        category: Category::Payment,
        reason: "Bank accounts: enough for a direct debit.",
        ends: &[
            "iban", "iban number", "bban", "account number", "account no", "account num", "acct number", "acct no", "acct num", "bank account",
            "bank details", "routing number", "sort code",
        ],
        wholes: &[],
    },
    Group {
        category: Category::GovernmentId,
        reason: "Numbers a state gives to a person.",
        ends: &[
            "ssn", "social security number", "social security no", "social security", "social insurance number", "national id",
            "national id number", "national identification number", "national identity number", "national insurance number", "nino",
            "personal identity number", "personal identity code", "personal code", "identity card number", "identity number",
            "id card number", "id number", "passport", "passport number", "passport no", "passport num", "driver license",
            "drivers license", "driver licence", "drivers licence", "driving license", "driving licence", "driver license number",
            "drivers license number", "driver licence number", "drivers licence number", "driving license number",
            "driving licence number", "tax id", "tax number", "tax identification number", "taxpayer id", "itin", "visa number",
            "residence permit number", "voter id", "aadhaar", "aadhaar number", "aadhaar no", "nif", "nric", "ppsn", "bvn", "tfn",
            "cuit", "steuer id", "steuernummer", "sozialversicherungsnummer", "cpf", "pesel", "bsn", "codice fiscale", "dni",
            "curp", "personnummer", "fødselsnummer", "henkilötunnus", "henkilotunnus", "hetu",
        ],
        wholes: &["tin", "nie", "sin"],
    },
    Group {
        category: Category::GovernmentId,
        reason: "What authorities and banks ask to be sure who somebody is.",
        ends: &["date of birth", "dob", "birth date", "birthday", "place of birth", "birth place", "mothers maiden name", "mother maiden name", "maiden name"],
        wholes: &[],
    },
    Group {
        category: Category::Health,
        reason: "Data concerning health (GDPR Article 9).",
        ends: &[
            "diagnosis", "diagnoses", "diagnosis code", "icd code", "icd 10", "medical record", "medical record number", "mrn",
            "medical history", "medical condition", "health condition", "health record", "health insurance number",
            "health insurance id", "health card number", "medical notes", "clinical notes", "medicare id", "medicaid id",
            "blood pressure", "nhs number", "medicare number", "medicaid number", "blood type", "blood group", "allergy",
            "allergies", "medication", "prescription", "vaccination status", "lab result", "symptom", "disability", "disabilities",
            "hiv status", "genetic data", "biometric data", "pregnancy", "pregnancy status",
        ],
        wholes: &[],
    },
    Group {
        category: Category::Contact,
        reason: "How somebody is reached. Off unless switched on: a trail that does not say who did it proves little.",
        ends: &[
            "email", "mail address", "email address", "phone", "phone number", "telephone", "telephone number", "mobile",
            "mobile number", "fax", "fax number", "home address", "postal address", "street address", "billing address",
            "shipping address", "delivery address", "mailing address", "street", "zip code", "postal code", "postcode",
        ],
        wholes: &["address", "zip"],
    },
];

/// Innocent, although a shorter name at their end is not: positions in a list, counts of what a
/// language model read, pieces of a grammar, a browser's permissions, settings of what is done with
/// a secret.
pub(super) const INNOCENT: &[&str] = &[
    "page token",
    "next token",
    "starting token",
    "previous token",
    "continuation token",
    "sync token",
    "cancellation token",
    "client request token",
    "max token",
    "max new token",
    "min token",
    "total token",
    "prompt token",
    "completion token",
    "input token",
    "output token",
    "reasoning token",
    "cached token",
    "prediction tokens",
    "generated tokens",
    "context tokens",
    "used tokens",
    "consumed tokens",
    "available tokens",
    "estimated tokens",
    "read tokens",
    "write tokens",
    "creation tokens",
    "unexpected token",
    "error token",
    "idempotency token",
    "public api key",
    "thinking tokens",
    "budget tokens",
    "audio tokens",
    "image tokens",
    "text tokens",
    "bucket tokens",
    "limit token",
    "number of tokens",
    "number of secrets",
    "number of passwords",
    "number of credentials",
    "forgot password",
    "remaining token",
    "num token",
    "design token",
    "bos token",
    "eos token",
    "pad token",
    "unk token",
    "stop token",
    "automount service account token",
    "revoke refresh token",
    "bind secret id",
    "required credentials",
    "session storage key",
    "local storage key",
    "allow credential",
    "accept cookie",
    "allow cookie",
    "enable cookie",
];

/// Words written together by others: a word that ends so means what the tail means. None of them
/// ends an English word by chance.
pub(super) const TAILS: &[&str] = &[
    "password",
    "passwd",
    "passwort",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "encryptionkey",
    "signingkey",
    "credential",
    "masterkey",
    "authkey",
    "token",
    "jwt",
    "cookie",
    "sessionid",
    "creditcard",
    "cardnumber",
    "accountnumber",
    "routingnumber",
    "securitycode",
    "passportnumber",
    "dateofbirth",
    "connectionstring",
];

/// What follows a word and still means the same: the value itself, in some form.
pub(super) const CARRIERS: &[&str] = &[
    "again",
    "b",
    "base",
    "binary",
    "blob",
    "bytes",
    "clear",
    "confirm",
    "confirmation",
    "content",
    "contents",
    "current",
    "data",
    "decrypted",
    "digest",
    "encoded",
    "encrypted",
    "hash",
    "hashed",
    "hex",
    "input",
    "json",
    "new",
    "old",
    "pem",
    "pepper",
    "plain",
    "plaintext",
    "previous",
    "raw",
    "repeat",
    "repeated",
    "salt",
    "str",
    "string",
    "temp",
    "text",
    "tmp",
    "v",
    "val",
    "value",
    "values",
];

/// What stands behind several of a thing. A name that is sensitive only as a whole is not what
/// they are several of: `passList` may list passengers.
pub(super) const LISTS: &[&str] = &["array", "list"];

/// What begins a name, or stands right before what it is about, if its value is yes or no.
pub(super) const QUESTIONS: &[&str] = &[
    "can", "has", "is", "needs", "requires", "should", "supports",
];

/// Sensitive as the whole name of a query parameter only: codes of OAuth 2.0, signatures that are
/// the permission (Azure, AWS, Google, CloudFront), and Google's `key`.
pub(super) const IN_QUERIES: &[&str] = &[
    "code",
    "key",
    "sig",
    "signature",
    "ticket",
    "xamzsignature",
    "xgoogsignature",
    "xosssignature",
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fmt::Write;

    use expect_test::expect_file;

    use super::*;
    use crate::names::{NAMES, forms};

    #[test]
    fn no_name_is_listed_twice() {
        let mut seen = HashSet::new();
        let names = GROUPS
            .iter()
            .flat_map(|group| group.ends.iter().chain(group.wholes));
        for name in names.chain(INNOCENT) {
            let form = forms(name).next().unwrap();
            assert!(seen.insert(form), "{name:?}");
        }
    }

    #[test]
    fn every_tail_is_a_name() {
        for tail in TAILS {
            assert!(NAMES.meanings.contains_key(*tail), "{tail:?}");
        }
    }

    /// The page is made from the table: `UPDATE_EXPECT=1 cargo test -p auth-mask` writes it.
    #[test]
    fn the_page_lists_every_name_with_its_reason() {
        let list = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            names.join(", ")
        };
        let vendors: Vec<_> = crate::text::vendor_key::names().into_iter().collect();
        let mut page = PAGE.replace("{vendors}", &vendors.join(", "));
        let mut category = None;
        for group in GROUPS {
            if category.replace(group.category) != Some(group.category) {
                let off = if group.category.is_default() {
                    ""
                } else {
                    ", off unless switched on"
                };
                write!(page, "\n### `{}`{off}\n", group.category.code()).unwrap();
            }
            write!(page, "\n{}\n\n{}.\n", group.reason, list(group.ends)).unwrap();
            if !group.wholes.is_empty() {
                write!(page, "\nOnly as the whole name: {}.\n", list(group.wholes)).unwrap();
            }
        }
        write!(
            page,
            "\n## Innocent names\n\n\
             These end with a sensitive name and are innocent: {}.\n\n\
             So is a name that asks a question, because its value is yes or no: one that begins with one of these, or has \
             it right before the sensitive name: {}.\n\n\
             ## Words that change nothing\n\n\
             What these follow is judged without them, as `secretValue` and `passwordHash` show: {}.\n\n\
             So are these, where what stands before is not sensitive as a whole name only: {}.\n\n\
             ## Written together\n\n\
             A single word that ends with one of these is what they are (`userpassword`, `PGPASSWORD`), also if a word \
             that changes nothing follows (`passwordhash`): {}.\n\n\
             ## Query parameters\n\n\
             In a query these are sensitive as the whole name, and innocent elsewhere: {}.\n",
            list(INNOCENT),
            list(QUESTIONS),
            list(CARRIERS),
            list(LISTS),
            list(TAILS),
            list(IN_QUERIES),
        )
        .unwrap();
        expect_file!["../../../../docs/masking.md"].assert_eq(&page);
    }

    const PAGE: &str = "\
# Masking

What a log or an audit event may show. Everything here is done by [`auth-mask`](../crates/auth-mask); the value of what is listed is
replaced as a whole, whatever its type, with `***MASKED***` unless a style says otherwise.

This page is written by a test of `crates/auth-mask/src/names/table.rs` (`UPDATE_EXPECT=1 cargo test -p auth-mask`). Change the
table, not the page.

## Policies

- **`iso27001`** is the default, and what this page is about: names by category, each of which can be switched off or on, and
  values that are secrets wherever they stand.
- **`miso-4.9`** masks exactly what miso-client 4.9.0 masks: names that *contain* one of 21 substrings, without regard to case,
  `_` and `-`. It masks `success` and `author` and shows `passphrase`. Choose it only where equal output is asked for.
- **`strict`** masks everything but what is named (`MaskPolicy::strict().show_name(\"status\")`, `authctl mask --policy strict --show status`).
  Of an object that is shown the members are named one by one; what has no name, such as a text, is masked. What is shown is still
  looked through for secrets.
- **A policy file** (`MaskPolicy::from_file`, `MISO_SENSITIVE_FIELDS_CONFIG`, `authctl mask --policy FILE`), in the format of the original:

  ```json
  {
    \"fields\": { \"internal\": [\"employee_no\", \"badge\"] },
    \"fieldPatterns\": [\"salary\"],
    \"neverMaskFields\": [\"status\"],
    \"substringMinLength\": 4,
    \"mergeWithHardcodedDefaults\": true
  }
  ```

  Its names are compared as the original compares them, without `_` and `-`, and as a part of any longer name unless they are shorter
  than `substringMinLength`. They come to those of `iso27001`, unless the last member is false. What `neverMaskFields` names is not
  masked by its name; a secret in its value still is. A file with anything else in it, or with a slip of the pen, is an error at the
  start, and nothing of it counts.

To each of them names can be added (`mask_name`) and exempted (`show_name`); both go before all else that is said here. A policy is
swapped for all that share a masker by `Masker::set_policy`; what is being masked at that moment keeps the old one to its end.

## Styles

For a category (`style`) or a name (`mask_name`) it can be said what stands in place of a value:

| style | of `\"4111111111111111\"` | of a list, an object, `true`, `null` |
|---|---|---|
| `Full`, unless set | `\"***MASKED***\"` | `\"***MASKED***\"` |
| `Partial { first: 0, last: 4 }` | `\"************1111\"`; at least eight stars, and nothing is shown of what would be shown whole | `\"***MASKED***\"` |
| `Pseudonym(key)` | `\"pseudonym:\"` and 32 digits: the same wherever the key is the same (HMAC-SHA-256) | `\"***MASKED***\"` |
| `Drop` | nothing, and the name neither | nothing, and the name neither |

They are for the values of names. What is found inside of a text is always masked in full.

## How names are compared

By words. A name is split at a change of case, at digits and at everything that is no letter, so that `accessToken`,
`access_token`, `ACCESS-TOKEN`, `user.access.token` and `X-Access-Token` all end with `access token`. A name is sensitive if it
**ends** with a listed name, in the singular or the plural: `dbPassword` is a password, and `passwordPolicy` is a policy. Of two
listed names the longer one decides.

## Values

Under every policy but `miso-4.9` a string that goes by an innocent name is looked through too, and so is free text:

| what | example | what is shown |
|---|---|---|
| credentials of a scheme | `Bearer abc.def`, `Basic dXNlcjpwYXNz` | `Bearer ***MASKED***` |
| tokens (JWS, JWE) | `eyJhbGciOi….eyJzdWIiOi….c2ln` | `***MASKED***` |
| private keys | `-----BEGIN PRIVATE KEY-----` to its end | `***MASKED***` |
| URLs with a user | `postgres://ada:secret@db/x` | `postgres://***MASKED***@db/x` |
| Addresses of Go's MySQL driver | `ada:secret@tcp(db:3306)/x` | `***MASKED***@tcp(db:3306)/x` |
| headers | `X-Api-Key: abc`, `curl -H 'Cookie: a=b'` | `X-Api-Key: ***MASKED***` |
| assignments | `?token=abc&page=2`, `password=abc`, `secret: \"abc\"` | `?token=***MASKED***&page=2` |
| keys of vendors | `ghp_…`, `sk_live_…`, `xoxb-…`, `AKIA…`, `hooks.slack.com/services/…` | `***MASKED***` |
| cards | `4111 1111 1111 1111`, `4111-1111-1111-1111` | `***MASKED***` |
| bank accounts | `DE89 3704 0044 0532 0130 00` | `***MASKED***` |
| mail addresses, with `contact` only | `ada@example.test` | `***MASKED***` |

Nothing is guessed from how random a string looks. What is found by its shape has a shape that hardly anything else has:

- **Keys of vendors** (with `credentials`): the prefix at the beginning of a word, and after it as many letters of the right alphabet
  as that vendor's keys have. Known are: {vendors}, Telegram, and the signatures of shared access at Azure. What is public is shown:
  publishable keys (`pk_live_…`), account identifiers (`AC…`).
- **Cards** (with `payment`): 13 to 19 digits in one piece or grouped as on a card, with single spaces or dashes; an issuer's range;
  Luhn's check digit; no piece of a longer number, an identifier or a decimal fraction; of 13 digits, no number of goods (EAN).
- **Bank accounts** (with `payment`): a country of the IBAN registry, its length and structure, and the check digits (mod 97), in one
  piece or in groups of four.
- **Mail addresses** (with `contact`, which is off by default): a user, an `@`, and a host that ends with a top-level domain.

A number of JSON is looked at for a card only, and only up to 16 digits: longer ones are identifiers.

A text that is a JSON document is masked as one, and so on inwards, 16 times; what is quoted more often is masked unseen. Of one that
was cut, the piece at the end is masked; and where a document stands in the middle of other words, the value of a sensitive name is
masked to its closing bracket. The encoded parameters in a parameter are looked into four times inwards, and four that stand in one
value; of more, the rest is masked unseen.

## Where it is applied

| what | by | |
|---|---|---|
| a document | `mask_json`, `mask_json_into`, `mask_json_bytes_into` | one pass, any size, any depth; a broken one is shown up to its fault |
| a value of one's own | `to_json`, `to_json_into` | masked while it is printed |
| a document in memory | `mask_value`, `mask_value_in_place` | what lies deeper than 128 levels is masked |
| headers | `mask_headers` | by name and by value |
| cookies | `mask_cookies`, `mask_set_cookie` | each of them is a credential, unless `show_name` names it |
| fields of forms and multipart bodies, variables, metadata | `mask_field`, `mask_query` | by name and by value |
| URLs | `mask_url` | user, path, parameters of query and fragment |
| texts, errors, panics | `mask_text`, `mask_error`, `mask_panic` | by value, and assignments by name |

Nothing of this looks at a size. To show less of a large document, cut it once it is masked: `MaskedJson::cut`, `cut_text`. What is left
stays valid JSON, and `***CUT***` stands where there was more.

## Names by category
";
}
