use super::*;

#[test]
fn every_case_does_its_work() {
    let settings = Settings::read(|_| None).unwrap();
    let cases = cases(&settings);
    assert_eq!(cases.len(), 16);
    for case in cases {
        let mut operation = case.prepare().unwrap();
        assert!(
            operation.repeat(100),
            "{} {}",
            case.name,
            case.implementation
        );
    }
}

#[test]
fn a_call_that_is_not_answered_is_not_measured() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let task = Task {
        base_url: format!("http://127.0.0.1:{port}"),
        port,
        pem: Server::start().unwrap().pem,
        body: server::document().into(),
    };
    for prepare in [
        candidate::prepare,
        limits::client,
        limits::reqwest,
        limits::connection,
    ] {
        assert!(!prepare(&task, 1).unwrap().repeat(1));
    }
}
