/// Why an [`HttpClient`](crate::HttpClient) could not be built; each text says what to do.
///
/// A base URL is never repeated here: somebody may have written a password into it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The base URL cannot be used.
    #[error("the base URL {reason}; give one such as https://controller.example/api")]
    BaseUrl {
        /// What is wrong with it, as the end of a sentence.
        reason: &'static str,
    },

    /// The base URL is plain `http`, and its host is neither loopback nor allowed.
    #[error(
        "plain http would send credentials to {host} unencrypted; use https, or if the network \
         between is trusted allow it with allow_plain_http(\"{host}\")"
    )]
    PlainHttp {
        /// The host.
        host: Box<str>,
    },

    /// The root certificates that were given cannot be read.
    #[error(
        "the root certificates that were given {reason}; give one or more CA certificates in PEM"
    )]
    RootCertificates {
        /// What is wrong with them, as the end of a sentence.
        reason: &'static str,
    },

    /// The client certificate cannot be used.
    #[error("the client certificate {reason}; give the chain, our own first, and its key in PEM")]
    ClientCertificate {
        /// What is wrong with it, as the end of a sentence.
        reason: &'static str,
    },

    /// There is no root certificate to check the server's certificate against.
    #[error(
        "the system has no root certificates; install them (ca-certificates on Debian), name them \
         in SSL_CERT_FILE, or give them with extra_root_certificates"
    )]
    NoRootCertificates,

    /// TLS could not be set up.
    #[error("TLS could not be set up; this is a fault of the build, please report it")]
    Tls,

    /// The user agent cannot be a header's value.
    #[error("the user agent holds a character no header may hold; give visible ASCII")]
    UserAgent,

    /// A limit is zero, so that no call could succeed.
    #[error("{setting} is zero, so no call could succeed; give more, or leave it out")]
    Zero {
        /// The name of the setter.
        setting: &'static str,
    },
}
