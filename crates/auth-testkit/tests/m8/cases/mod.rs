//! Tokens with one odd thing each, under a name of their own.

mod addressed;
mod dates;
mod email;
mod form;
mod kinds;
mod user;

use auth_jwt::Algorithm;
use serde_json::Value;

use crate::judges::{Given, NOW, key};

pub(crate) use email::ADDRESSES;

/// Every oddity.
pub(crate) fn all() -> Vec<Oddity> {
    let groups = [
        kinds::oddities(),
        dates::oddities(),
        user::oddities(),
        email::oddities(),
        addressed::oddities(),
        form::oddities(),
    ];
    groups.into_iter().flatten().collect()
}

/// What is odd about a token.
#[derive(Clone, Debug)]
pub(crate) struct Oddity {
    pub(crate) name: String,
    pub(crate) given: Given,
    pub(crate) edits: Vec<Edit>,
}

/// One change to an honest token. Values are JSON texts, so that they may be odd themselves.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Claim(&'static str, String),
    NoClaim(&'static str),
    /// One more member, also if there is one of the name.
    OneMore(&'static str, String),
    Header(&'static str, String),
    HeaderText(String),
    Payload(Vec<u8>),
    /// To the token when it is signed.
    Token(Change),
}

/// What is done to a token after it was signed.
pub(crate) type Change = fn(&str) -> String;

impl Oddity {
    pub(crate) fn new(name: impl Into<String>, edits: impl Into<Vec<Edit>>) -> Self {
        Self {
            name: name.into(),
            given: Given::default(),
            edits: edits.into(),
        }
    }

    pub(crate) fn given(mut self, given: Given) -> Self {
        self.given = given;
        self
    }

    pub(crate) fn token(&self, algorithm: Algorithm, honest: &[(&str, Value)]) -> String {
        token(algorithm, honest, &self.edits)
    }
}

/// A claim that is set to a JSON text.
pub(crate) fn claim(name: &'static str, json: impl Into<String>) -> Edit {
    Edit::Claim(name, json.into())
}

/// An access token nobody objects to, as short as it may be.
pub(crate) fn honest() -> Vec<(&'static str, Value)> {
    vec![
        ("sub", "550e8400-e29b-41d4-a716-446655440000".into()),
        ("type", "access".into()),
        ("jti", "j1".into()),
        ("exp", (NOW + 300).into()),
        ("email", "ada@example.com".into()),
    ]
}

pub(crate) fn token(algorithm: Algorithm, honest: &[(&str, Value)], edits: &[Edit]) -> String {
    let spelled = |(name, value): &(&str, Value)| ((*name).to_owned(), value.to_string());
    let mut claims: Vec<_> = honest.iter().map(spelled).collect();
    let mut header = vec![
        ("alg".to_owned(), format!("\"{algorithm}\"")),
        ("typ".to_owned(), "\"JWT\"".to_owned()),
    ];
    let mut header_text = None;
    let mut payload = None;
    for edit in edits {
        match edit {
            Edit::Claim(name, json) => set(&mut claims, name, json),
            Edit::NoClaim(name) => claims.retain(|(known, _)| known != name),
            Edit::OneMore(name, json) => claims.push(((*name).to_owned(), json.clone())),
            Edit::Header(name, json) => set(&mut header, name, json),
            Edit::HeaderText(text) => header_text = Some(text.clone()),
            Edit::Payload(bytes) => payload = Some(bytes.clone()),
            Edit::Token(_) => {}
        }
    }
    let header = header_text.unwrap_or_else(|| object(&header));
    let payload = payload.unwrap_or_else(|| object(&claims).into_bytes());
    let signed = key(algorithm).sign_parts(header.as_bytes(), &payload);
    let signed = signed.unwrap().expose().to_owned();
    edits.iter().fold(signed, |token, edit| match edit {
        Edit::Token(change) => change(&token),
        _ => token,
    })
}

fn set(members: &mut Vec<(String, String)>, name: &str, json: &str) {
    match members.iter_mut().find(|(known, _)| known == name) {
        Some((_, value)) => json.clone_into(value),
        None => members.push((name.to_owned(), json.to_owned())),
    }
}

/// The members as one JSON text.
pub(crate) fn object(members: &[(String, String)]) -> String {
    let member = |(name, json): &(String, String)| format!("{}:{json}", Value::from(&**name));
    let members: Vec<_> = members.iter().map(member).collect();
    format!("{{{}}}", members.join(","))
}
