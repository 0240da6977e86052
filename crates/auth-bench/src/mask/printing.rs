//! Masking a value of one's own while it is printed, beside printing it as it is.

use auth_mask::{MaskPolicy, Masker};
use serde::Serialize;

use crate::case::{Case, Operation, Role};

/// The body of a request, a page of records, and a log of a megabyte.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (size, records) in [("1k", 1), ("10k", 11), ("1m", 1100)] {
        let name = format!("print {size}");
        let mut add = |implementation, role, prepare: fn(usize) -> anyhow::Result<Operation>| {
            cases.push(Case::new(&name, implementation, role, move || {
                prepare(records)
            }));
        };
        add("serde_json: to_writer", Role::Limit, plain);
        add("auth-mask: names", Role::Candidate, |records| {
            masked(records, MaskPolicy::miso_4_9())
        });
        add("auth-mask: names and values", Role::Candidate, |records| {
            masked(records, MaskPolicy::iso27001())
        });
    }
    cases
}

fn plain(records: usize) -> anyhow::Result<Operation> {
    let page = Page::of(records);
    let mut out = Vec::with_capacity(2 * serde_json::to_vec(&page)?.len());
    Ok(Operation::new(move || {
        out.clear();
        serde_json::to_writer(&mut out, &page).is_ok()
    }))
}

fn masked(records: usize, policy: MaskPolicy) -> anyhow::Result<Operation> {
    let page = Page::of(records);
    let masker = Masker::new(policy);
    let document = serde_json::to_string(&page)?;
    anyhow::ensure!(
        masker.to_json(&page)? == masker.mask_json(&document)?,
        "it is masked otherwise"
    );
    let mut out = String::with_capacity(2 * document.len());
    Ok(Operation::new(move || {
        out.clear();
        masker.to_json_into(&page, &mut out).is_ok()
    }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    event: &'static str,
    request_id: &'static str,
    items: Vec<Record>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    id: String,
    created_at: &'static str,
    status: &'static str,
    profile: Profile,
    credentials: Credentials,
    orders: Vec<Order>,
    comment: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    first_name: &'static str,
    last_name: &'static str,
    email: String,
    phone: &'static str,
    address: Address,
    ssn: &'static str,
}

#[derive(Serialize)]
struct Address {
    street: &'static str,
    city: &'static str,
    country: &'static str,
    geo: [f64; 2],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    password: &'static str,
    access_token: String,
    mfa: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    order_id: &'static str,
    amount: f64,
    currency: &'static str,
    note: &'static str,
    card: Card,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Card {
    brand: &'static str,
    credit_card: &'static str,
    exp_month: u8,
}

impl Page {
    fn of(records: usize) -> Self {
        Self {
            event: "http.response",
            request_id: "5f0c1a52-8f1e-4c60-9b8e-0d7a5b0e6f11",
            items: (0..records).map(Record::of).collect(),
        }
    }
}

impl Record {
    fn of(number: usize) -> Self {
        Self {
            id: format!("{number:08}-8f1e-4c60-9b8e-0d7a5b0e6f11"),
            created_at: "2026-03-23T10:11:12.123Z",
            status: "active",
            profile: Profile {
                first_name: "Ada",
                last_name: "Example",
                email: format!("u{number}@example.com"),
                phone: "+358 40 1234567",
                address: Address {
                    street: "alpha beta gamma",
                    city: "Helsinki",
                    country: "FI",
                    geo: [60.17, 24.93],
                },
                ssn: "010190-1234",
            },
            credentials: Credentials {
                password: "p@ss \"w0rd\"",
                access_token: "0123456789abcdef".repeat(6),
                mfa: true,
            },
            orders: vec![Order {
                order_id: "0f1e2d3c4b5a",
                amount: 12.5,
                currency: "EUR",
                note: "delta épsilon zeta",
                card: Card {
                    brand: "visa",
                    credit_card: "4111 1111 1111 1111",
                    exp_month: 7,
                },
            }],
            comment: "eta theta iota kappa \"lambda\" mu\nnu xi",
        }
    }
}
