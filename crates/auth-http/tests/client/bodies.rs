//! What requests carry besides JSON and forms, and answers that are read piece by piece.

use std::io;
use std::time::Duration;

use auth_http::{FaultKind, HttpClient, Multipart, RequestBody};
use bytes::Bytes;
use expect_test::expect;
use futures_util::future::Either;
use futures_util::stream;
use tokio::sync::mpsc;

use crate::observer::Recorder;
use crate::server::{Act, FaultServer, answer, ok};

/// A body of these pieces.
fn pieces(pieces: &[&'static str]) -> RequestBody {
    let pieces: Vec<_> = pieces
        .iter()
        .map(|piece| Ok::<_, io::Error>(Bytes::from_static(piece.as_bytes())))
        .collect();
    RequestBody::stream(stream::iter(pieces))
}

/// The one request that arrived, from its content type on, with the boundary and port taken out.
fn arrived(server: &FaultServer) -> String {
    let requests = server.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    let boundary = request.split("boundary=").nth(1);
    let boundary = boundary.map(|rest| &rest[..rest.find("\r\n").unwrap()]);
    let request = match boundary {
        Some(boundary) => request.replace(boundary, "BOUNDARY"),
        None => request.clone(),
    };
    let request = request.replace(&format!(":{}", server.port()), ":PORT");
    let lines = request
        .lines()
        .filter(|line| !line.starts_with("user-agent"));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn bytes_and_text_of_any_media_type_are_sent() {
    for body in [
        RequestBody::from("a,b"),
        RequestBody::from("a,b".to_owned()),
        RequestBody::from(b"a,b".to_vec()),
        pieces(&["a", "", ",b", ""]).with_length(3),
    ] {
        let server = FaultServer::start([ok("{}")]).await;
        let call = server.client().put("/").body("text/csv", body);
        call.send().await.unwrap();
        expect![[r#"
            PUT / HTTP/1.1
            content-type: text/csv
            host: 127.0.0.1:PORT
            content-length: 3

            a,b"#]]
        .assert_eq(&arrived(&server));
    }
}

#[tokio::test]
async fn a_stream_whose_length_nobody_knows_is_sent_in_chunks() {
    let server = FaultServer::start([ok("{}")]).await;
    let recorder = Recorder::default();
    let client = server.builder().observer(recorder.clone()).build().unwrap();
    let call = client.post("/").body("text/csv", pieces(&["a", ",b"]));
    call.send().await.unwrap();
    assert!(server.requests()[0].contains("\r\ntransfer-encoding: chunked\r\n"));
    assert_eq!(recorder.only().request_bytes(), 3);
}

#[tokio::test]
async fn a_form_with_files_is_one() {
    let form = Multipart::new()
        .text("title", "Ada & co\r\n")
        .file("a\"b", "x\"\r\ny.txt", "text/plain", "content")
        .file("bytes", "b", "image/png", vec![b'1', b'2']);
    let server = FaultServer::start([ok("{}")]).await;
    server
        .client()
        .post("/")
        .multipart(form)
        .send()
        .await
        .unwrap();
    expect![[r#"
        POST / HTTP/1.1
        content-type: multipart/form-data; boundary=BOUNDARY
        host: 127.0.0.1:PORT
        content-length: 464

        --BOUNDARY
        Content-Disposition: form-data; name="title"

        Ada & co

        --BOUNDARY
        Content-Disposition: form-data; name="a%22b"; filename="x%22%0D%0Ay.txt"
        Content-Type: text/plain

        content
        --BOUNDARY
        Content-Disposition: form-data; name="bytes"; filename="b"
        Content-Type: image/png

        12
        --BOUNDARY--"#]]
    .assert_eq(&arrived(&server));
}

/// The same bytes, whether they are there or come as a stream.
#[tokio::test]
async fn a_form_with_a_streamed_file_announces_its_length_if_it_is_known() {
    let form = |content: RequestBody| {
        let form = Multipart::new().text("title", "Ada");
        form.file("file", "f", "text/plain", content)
    };
    let mut lengths = Vec::new();
    for content in [
        RequestBody::from("abc"),
        pieces(&["a", "bc"]).with_length(3),
    ] {
        let server = FaultServer::start([ok("{}")]).await;
        let client = server.client();
        client
            .post("/")
            .multipart(form(content))
            .send()
            .await
            .unwrap();
        let request = arrived(&server);
        let (head, body) = request.split_once("\n\n").unwrap();
        lengths.push(head.lines().last().unwrap().to_owned());
        assert!(body.contains("\n\nabc\n--BOUNDARY--"), "{body}");
    }
    assert_eq!(lengths[0], lengths[1]);
    assert!(lengths[0].starts_with("content-length: "), "{}", lengths[0]);

    let server = FaultServer::start([ok("{}")]).await;
    let client = server.client();
    let call = client.post("/").multipart(form(pieces(&["a", "bc"])));
    call.send().await.unwrap();
    assert!(arrived(&server).contains("\ntransfer-encoding: chunked\n"));
}

#[tokio::test]
async fn a_body_that_cannot_be_sent_is_refused_before_anything_is() {
    let server = FaultServer::start([ok("{}")]).await;
    let client = server.client();
    let used = client.post("/").body("text/plain", pieces(&["a"]));
    used.clone().send().await.unwrap();
    for call in [
        used,
        client.post("/").multipart(Multipart::new()),
        client
            .post("/")
            .multipart(Multipart::new().file("a", "b", "text/plain\r\nx: y", "")),
        client.post("/").body("text/plain\r\nx: y", "a"),
    ] {
        let fault = call.send().await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::InvalidRequest);
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_stream_that_fails_or_is_not_as_long_as_it_said_ends_the_call() {
    let failing = || {
        let failure = Err(io::Error::other("s3cr3t"));
        RequestBody::stream(stream::iter([Ok(Bytes::from_static(b"a")), failure]))
    };
    for (body, what) in [
        (failing(), "the source of the request's body failed"),
        (
            pieces(&["a"]).with_length(2),
            "the request's body is not as long as was announced",
        ),
        (
            pieces(&["ab", "c"]).with_length(2),
            "the request's body is not as long as was announced",
        ),
    ] {
        let server = FaultServer::start([ok("{}")]).await;
        let call = server.client().put("/").body("text/plain", body);
        let fault = call.idempotent().send().await.unwrap_err();
        assert_eq!(fault.to_string(), format!("PUT /: {what}"));
        assert_eq!(fault.kind(), FaultKind::Send);
        assert!(!fault.is_transient());
        assert_eq!((server.connections(), server.requests().len()), (1, 0));
    }
}

/// Both begin before the stream has a piece.
#[tokio::test]
async fn of_two_calls_at_once_with_one_stream_one_sends_it_and_the_other_fails_at_once() {
    let server = FaultServer::start([ok("{}")]).await;
    let (make, made) = mpsc::channel::<Bytes>(1);
    let pieces = stream::unfold(made, |mut made| async {
        let piece = made.recv().await?;
        Some((Ok::<_, io::Error>(piece), made))
    });
    let call = server
        .client()
        .put("/")
        .body("text/plain", RequestBody::stream(pieces));
    let [one, other] = [call.clone(), call].map(|call| tokio::spawn(call.idempotent().send()));
    let (lost, kept) = match futures_util::future::select(one, other).await {
        Either::Left(ended) => ended,
        Either::Right(ended) => ended,
    };
    let fault = lost.unwrap().unwrap_err();
    let what = "PUT /: the stream of the body was read by another call";
    assert_eq!(fault.to_string(), what);
    assert!(!fault.is_transient());
    for piece in ["a", "b", "c"] {
        make.send(Bytes::from_static(piece.as_bytes()))
            .await
            .unwrap();
    }
    drop(make);
    kept.await.unwrap().unwrap();
    assert_eq!(server.requests().len(), 1);
    assert!(server.requests()[0].ends_with("0\r\n\r\n"));
}

/// What was read of a stream cannot be sent again; what was not, can.
#[tokio::test]
async fn a_stream_is_sent_again_only_while_nothing_of_it_was_read() {
    let server = FaultServer::start([Act::Reset, ok("{}")]).await;
    let call = server.client().put("/").body("text/plain", pieces(&["a"]));
    call.idempotent().send().await.unwrap_err();
    assert_eq!(server.requests().len(), 1);

    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let server = FaultServer::start([ok("{}")]).await;
    let builder = HttpClient::builder(&url).fallback(&server.url());
    let client = builder.build().unwrap();
    let call = client
        .post("/")
        .body("text/plain", pieces(&["a"]).with_length(1));
    call.send().await.unwrap();
    assert!(server.requests()[0].ends_with("\r\n\r\na"));
}

#[tokio::test]
async fn an_answer_is_read_piece_by_piece_while_it_is_made() {
    let (make, mut made) = mpsc::channel::<Vec<u8>>(1);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_ne!(stream.read(&mut [0; 1000]).await.unwrap(), 0);
        let head = b"HTTP/1.1 200 OK\r\nx-a: b\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head).await.unwrap();
        while let Some(piece) = made.recv().await {
            let piece = [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat();
            stream.write_all(&piece).await.unwrap();
        }
        stream.write_all(b"0\r\n\r\n").await.unwrap();
    });
    let recorder = Recorder::default();
    let builder = HttpClient::builder(&url).observer(recorder.clone());
    // More than is read of an answer that is read whole.
    let client = builder.max_response_bytes(10).build().unwrap();
    let mut answer = client.get("/").send_streaming().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.header("x-a")),
        (200, Some("b"))
    );
    let mut read = 0;
    for length in [1, 1000, 10_000] {
        make.send(vec![b'x'; length]).await.unwrap();
        let until = read + length;
        while read < until {
            read += answer.chunk().await.unwrap().unwrap().len();
        }
    }
    assert_eq!(recorder.0.lock().unwrap().len(), 0);
    drop(make);
    assert_eq!(answer.chunk().await.unwrap(), None);
    assert_eq!(answer.chunk().await.unwrap(), None);
    drop(answer);
    let told = recorder.only();
    assert_eq!((told.response_bytes(), told.fault()), (11_001, None));
}

/// Whoever knows how long it is does not ask for a piece after the last.
#[tokio::test]
async fn an_answer_of_which_all_was_read_is_not_one_that_was_given_up() {
    let server = FaultServer::start([answer("200 OK", &[], "hello")]).await;
    let recorder = Recorder::default();
    let client = server.builder().observer(recorder.clone()).build().unwrap();
    let mut answer = client.get("/").send_streaming().await.unwrap();
    let mut read = 0;
    while read < 5 {
        read += answer.chunk().await.unwrap().unwrap().len();
    }
    drop(answer);
    assert_eq!(recorder.only().fault(), None);
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_stalls_ends_with_a_fault() {
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"a\"";
    for (act, kind) in [
        (Act::AnswerAndClose(begun.to_vec()), FaultKind::Receive),
        (Act::AnswerAndStall(begun.to_vec()), FaultKind::Deadline),
    ] {
        let server = FaultServer::start([act]).await;
        let recorder = Recorder::default();
        let client = server.builder().observer(recorder.clone()).build().unwrap();
        let call = client.get("/").deadline(Duration::from_millis(500));
        let mut answer = call.send_streaming().await.unwrap();
        assert_eq!(answer.chunk().await.unwrap().unwrap(), "{\"a\"");
        let fault = answer.chunk().await.unwrap_err();
        assert_eq!(
            (fault.kind(), fault.status()),
            (kind, Some(answer.status()))
        );
        assert_eq!(answer.chunk().await.unwrap(), None);
        drop(answer);
        assert_eq!(recorder.only().fault(), Some(kind));
    }
}

#[tokio::test]
async fn an_answer_that_is_not_one_of_success_is_not_streamed() {
    let body = r#"{"error":"no such file","code":"not_found"}"#;
    let server = FaultServer::start([answer("404 X", &[], body)]).await;
    let fault = server.client().get("/").send_streaming().await.unwrap_err();
    assert_eq!(fault.problem().unwrap().code(), Some("not_found"));
}

#[tokio::test]
async fn nobody_prints_what_a_body_holds() {
    let form = Multipart::new().text("s3cr3t", "s3cr3t");
    let bodies = format!(
        "{:?} {:?} {form:?}",
        RequestBody::from("s3cr3t"),
        pieces(&["s3cr3t"])
    );
    assert!(!bodies.contains("s3cr3t"), "{bodies}");
    let server = FaultServer::start([answer("200 OK", &["x-a: s3cr3t"], "s3cr3t")]).await;
    let answer = server.client().get("/").send_streaming().await.unwrap();
    assert!(!format!("{answer:?}").contains("s3cr3t"));
}
