use super::*;

#[test]
fn every_case_does_its_work() {
    let settings = Settings::read(|_| None).unwrap();
    let cases = cases(&settings);
    assert_eq!(cases.len(), 24);
    for case in cases {
        let mut operation = case.prepare().unwrap();
        assert!(operation.repeat(1), "{} {}", case.name, case.implementation);
    }
}
