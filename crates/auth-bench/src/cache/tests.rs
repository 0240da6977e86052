use super::*;

#[test]
fn every_case_does_its_work() {
    let settings = Settings::read(|_| None).unwrap();
    let cases = cases(&settings);
    assert_eq!(cases.len(), 14);
    let has_redis = auth_testkit::RedisServer::start().is_some();
    for case in cases {
        if case.name.starts_with("Redis") && !has_redis {
            continue;
        }
        let mut operation = case.prepare().unwrap();
        assert!(operation.repeat(1), "{} {}", case.name, case.implementation);
    }
}
