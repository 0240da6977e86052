//! The nouns of auth-sdk.
