/// Whether the original client would mask what goes by this name (contract miso §5).
pub(crate) fn is_sensitive(name: &str) -> bool {
    let mut name = name.to_lowercase();
    name.retain(|character| !matches!(character, '_' | '-'));
    SUBSTRINGS.iter().any(|part| name.contains(part))
}

/// The set of miso-client 4.9.0 as it is published. Its faults are kept, because what is asked for
/// is that client's behaviour: `success` has `cc` in it, and `passphrase` has none of these.
const SUBSTRINGS: [&str; 21] = [
    "accesstoken",
    "apikey",
    "auth",
    "authorization",
    "cc",
    "cookie",
    "creditcard",
    "cvv",
    "key",
    "otp",
    "passwd",
    "password",
    "pin",
    "privatekey",
    "pwd",
    "refreshtoken",
    "secret",
    "secretkey",
    "session",
    "ssn",
    "token",
];
