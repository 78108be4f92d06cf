//! The server on a real loopback socket.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::*;

/// Serves on a free port while the test talks to it.
async fn served<T>(server: &Sandbox, test: impl AsyncFnOnce(std::net::SocketAddr) -> T) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.clone().serve(listener, async {
        let _sender_gone = stopped.await;
    }));
    let result = test(address).await;
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    result
}

fn text(method: &str, path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer key\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

/// All that the server sends until it closes, which it does after an answer too.
async fn exchange(address: std::net::SocketAddr, text: &str) -> String {
    let text = text.replacen("host: 127.0.0.1", "host: 127.0.0.1\r\nconnection: close", 1);
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn an_answer_arrives_whole_and_the_connection_stays() {
    let server = server(&[]);
    served(&server, async |address| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        for id in [1, 2] {
            let request = text("GET", &format!("/v1/customers/{id}"), "");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut bytes = Vec::new();
            while !bytes.ends_with(b"}}") {
                assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
            }
            let answer = String::from_utf8(bytes).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            let (_, body) = answer.split_once("\r\n\r\n").unwrap();
            let length = format!("content-length: {}", body.len());
            assert!(answer.contains(&length), "{answer}");
            assert_eq!(serde_json::from_str::<Value>(body).unwrap()["id"], id);
        }
    })
    .await;
}

#[tokio::test]
async fn untag_reads_its_body() {
    let server = server(&[]);
    let request = text(
        "DELETE",
        "/v1/customers/1/tags",
        "{\"tags\":[{\"name\":\"vip\"}]}",
    );
    let answer = served(&server, async |address| exchange(address, &request).await).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(tag_names(&get(&server, 1).await), Vec::<&str>::new());
}

#[tokio::test]
async fn a_cut_closes_the_connection_without_a_byte() {
    for (kind, count) in [("cut-before", 3), ("cut-after", 4)] {
        let server = staged(&format!("[[fault]]\nkind = '{kind}'"), 0);
        let request = text("POST", "/v1/customers", "{}");
        let answer = served(&server, async |address| exchange(address, &request).await).await;
        assert_eq!(
            (answer.as_str(), server.customers().len()),
            ("", count),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_cut_body_arrives_by_half() {
    let server = staged("[[fault]]\nkind = 'cut-body'", 0);
    let request = text("POST", "/v1/customers", "{\"name\":\"x\"}");
    let answer = served(&server, async |address| exchange(address, &request).await).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 201 Created\r\n"), "{head}");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    assert_eq!(body.len(), length.parse::<usize>().unwrap() / 2);
    assert_eq!(server.customers().len(), 4);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let server = server(&[]);
    let body = " ".repeat(4 * 1024 * 1024 + 1);
    let answer = served(&server, async |address| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The server may answer and close before all of it is sent.
        let _sent = stream
            .write_all(text("POST", "/v1/customers", &body).as_bytes())
            .await;
        let mut bytes = [0; 12];
        stream.read_exact(&mut bytes).await.unwrap();
        bytes
    })
    .await;
    assert_eq!(&answer, b"HTTP/1.1 413");
    assert_eq!(server.customers().len(), 3);
}

#[tokio::test]
async fn controls_answer_over_the_socket() {
    let server = server(&[]);
    let request = "GET /_sandbox/stats HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
    let answer = served(&server, async |address| exchange(address, request).await).await;
    assert!(answer.contains("\"total\":0"), "{answer}");
}

#[tokio::test]
async fn a_request_for_another_host_name_is_refused() {
    let server = server(&[]);
    served(&server, async |address| {
        let request = text("GET", "/v1/customers/1", "");
        for (host, status) in [
            ("host: rebound.example:8080\r\n", 421),
            ("", 421),
            ("host: 127.0.0.1\r\nhost: rebound.example\r\n", 421),
            ("host: localhost:8080\r\n", 200),
            ("host: [::1]:8080\r\n", 200),
        ] {
            let request = request.replacen("host: 127.0.0.1\r\n", host, 1);
            let request = request.replacen("\r\n", "\r\nconnection: close\r\n", 1);
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.unwrap();
            let answer = String::from_utf8(bytes).unwrap();
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{host}: {answer}"
            );
        }
    })
    .await;
}
