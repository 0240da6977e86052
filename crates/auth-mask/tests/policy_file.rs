//! Policies that are written down, in the format of the original client (contract miso §5).

use auth_mask::{Category, MaskPolicy, Masker};

#[track_caller]
fn policy(file: &str) -> MaskPolicy {
    MaskPolicy::from_file(file.as_bytes()).unwrap()
}

#[test]
fn the_names_of_a_file_come_to_those_of_the_default() {
    let policy = policy(
        r#"{
            "version": "1.0", "description": "ours",
            "fields": { "internal": ["employee_no", "pin"], "other": ["Salary-Band"] },
            "fieldPatterns": ["zip"]
        }"#,
    );
    for masked in [
        "employeeNo",
        "EMPLOYEE-NO",
        "oldEmployeeNo2",
        "salaryBand",
        "mySalaryBands",
        "pin",
        "zip",
        "zipCode",
        "unzipped",
        "password",
        "accessToken",
    ] {
        assert!(policy.is_sensitive(masked), "{masked}");
    }
    // Shorter than four: as a whole, as the original has it.
    for shown in [
        "shipping", "opinion", "success", "author", "employee", "salary",
    ] {
        assert!(!policy.is_sensitive(shown), "{shown}");
    }
    assert_eq!(policy.category("password"), Some(Category::Credentials));
    assert!(
        !policy
            .without(Category::Credentials)
            .is_sensitive("password")
    );
}

#[test]
fn what_is_never_to_be_masked_is_shown() {
    let policy = policy(r#"{"fields":{"a":["name"]},"neverMaskFields":["user_name","password"]}"#);
    assert!(policy.is_sensitive("fullName"));
    for shown in ["userName", "USER-NAME", "password"] {
        assert!(!policy.is_sensitive(shown), "{shown}");
    }
    // As a whole: a name that only contains it is judged like any other.
    assert!(policy.is_sensitive("dbPassword"));
    assert!(policy.is_sensitive("myUserName"));
    // A secret in a value is one under any name.
    let shown = Masker::new(policy)
        .mask_json(r#"{"password":"Bearer abcdefgh"}"#)
        .unwrap();
    assert_eq!(shown.as_str(), r#"{"password":"Bearer ***MASKED***"}"#);
}

#[test]
fn how_long_a_name_has_to_be_is_settled_by_the_file() {
    let with = |least: &str| {
        policy(&format!(
            r#"{{"fields":{{"a":["ip"]}},"substringMinLength":{least}}}"#
        ))
    };
    assert!(with("2").is_sensitive("clientIp"));
    assert!(!with("3").is_sensitive("clientIp"));
    assert!(with("3").is_sensitive("IP"));
    // Clamped, as the original clamps it.
    assert!(with("0").is_sensitive("shipping"));
    assert!(with("1000").is_sensitive("ip"));
}

#[test]
fn the_default_can_be_left_out() {
    let policy = policy(r#"{"fields":{"a":["badge"]},"mergeWithHardcodedDefaults":false}"#);
    assert!(policy.is_sensitive("badgeNumber"));
    assert!(!policy.is_sensitive("password"));
    assert!(policy.with(Category::Credentials).is_sensitive("password"));
}

#[test]
fn a_broken_file_is_an_error_and_nothing_of_it_is_told() {
    for (file, expected) in [
        ("", "the file ends too early"),
        ("{", "the file ends too early"),
        ("planted", "it is not JSON"),
        ("[]", "fields is"),
        (r#"{"fields":["planted"]}"#, "fields is"),
        (r#"{"fields":{"a":"planted"}}"#, "fields is"),
        (r#"{"fields":{"a":[1]}}"#, "fields is"),
        (r#"{"fieldPatterns":"planted"}"#, "fields is"),
        (r#"{"neverMaskFields":null}"#, "fields is"),
        (r#"{"substringMinLength":"4"}"#, "fields is"),
        (r#"{"substringMinLength":-1}"#, "fields is"),
        (r#"{"mergeWithHardcodedDefaults":"planted"}"#, "fields is"),
        (r#"{"fields":{"a":["b",""]}}"#, "no name is empty"),
        (r#"{"fieldPatterns":["_-"]}"#, "no name is empty"),
        (r#"{"neverMaskFields":[""]}"#, "no name is empty"),
        // A slip of the pen would be a policy that shows what was to be masked.
        (r#"{"field":{"a":["planted"]}}"#, "fields is"),
        (r#"{"fields":{}} planted"#, "it is not JSON"),
    ] {
        let error = MaskPolicy::from_file(file.as_bytes()).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(expected), "{file}: {text}");
        assert!(!text.contains("planted"), "{file}: {text}");
    }
}
