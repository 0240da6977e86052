//! Masking a document needs no memory but the output's own, once a thread knows the names.

use allocation_counter::measure;
use auth_mask::{MaskPolicy, Masker};

#[test]
fn a_document_is_masked_without_another_allocation() {
    let record = r#"{"id":7,"userName":"ada","password":"hunter2","tags":["a","b"],"deep":{"apiKey":[1,{"a":null}],"note":"delta epsilon"}}"#;
    let document = format!("[{}]", vec![record; 50].join(","));
    for policy in [MaskPolicy::miso_4_9(), MaskPolicy::iso27001()] {
        let masker = Masker::new(policy);
        let mut out = String::with_capacity(2 * document.len());
        masker.mask_json_into(&document, &mut out).unwrap();
        let first = out.clone();
        out.clear();
        let made = measure(|| masker.mask_json_into(&document, &mut out).unwrap());
        assert_eq!(made.count_total, 0, "{made:?}");
        assert_eq!(out, first);
        assert!(!out.contains("hunter2"));
    }
}

#[test]
fn a_value_is_printed_without_another_allocation() {
    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Login {
        user_name: &'static str,
        password: &'static str,
        note: &'static str,
        attempts: [u32; 3],
    }
    let login = Login {
        user_name: "ada",
        password: "hunter2",
        note: "https://example.com/list?page=2, and \"more\"",
        attempts: [1, 2, 3],
    };
    let masker = Masker::default();
    let mut out = String::with_capacity(1024);
    masker.to_json_into(&login, &mut out).unwrap();
    out.clear();
    let made = measure(|| masker.to_json_into(&login, &mut out).unwrap());
    assert_eq!(made.count_total, 0, "{made:?}");
    assert!(!out.contains("hunter2"));
}
