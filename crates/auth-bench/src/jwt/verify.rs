//! The candidate: what a service that uses the SDK calls for every request.

use std::hint::black_box;

use auth_jwt::{Policy, RoleClaim, StaticKeys, Verifier, danger};

use crate::case::Operation;
use crate::jwt::claims::{AUDIENCE, KEYCLOAK_ISSUER, SMALL_ISSUER};
use crate::jwt::fixtures::{Form, Issued, Key};

/// The whole strict verification, with nothing remembered between two calls.
pub(super) fn prepare(issued: &Issued, form: Form) -> anyhow::Result<Operation> {
    let verifier = verifier(&issued.key, form)?;
    let token = issued.token(form).to_owned();
    Ok(Operation::new(move || {
        black_box(verifier.verify_with_known_keys(&token)).is_ok()
    }))
}

/// As strict as tokens of this form allow.
pub(super) fn verifier(key: &Key, form: Form) -> anyhow::Result<Verifier> {
    let policy = match form {
        // It names nobody it is for, so there is nothing to compare.
        Form::Small => danger::policy_without_issuer_and_audience().issuer(SMALL_ISSUER),
        Form::Keycloak => Policy::builder(KEYCLOAK_ISSUER, AUDIENCE).roles_from([
            RoleClaim::KeycloakRealm,
            RoleClaim::KeycloakClient(AUDIENCE.into()),
        ]),
    };
    let keys = StaticKeys::new(key.verification_key()?);
    Ok(Verifier::new(policy.build()?, keys))
}
