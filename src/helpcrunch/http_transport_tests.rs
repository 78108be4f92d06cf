//! The transport and the whole client over real sockets, against a server that writes raw bytes.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::domain::CustomerId;
use crate::pace::Clock;
use crate::plan::Create;

const KEY: &str = "k3y-th4t/must+not=l3ak";

/// Serves each connection once: reads the request whole, writes `answer`, closes. Returns its URL and what it read.
async fn server(answer: impl Into<Vec<u8>>) -> (BaseUrl, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = BaseUrl::parse(&format!("http://{}/v1/", listener.local_addr().unwrap())).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (answer, heard) = (answer.into(), seen.clone());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = read_request(&mut stream).await;
            heard.lock().unwrap().push(request);
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        }
    });
    (url, seen)
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await.unwrap_or(0);
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let length = text
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        let is_whole = text
            .split_once("\r\n\r\n")
            .is_some_and(|(_, body)| body.len() >= length.unwrap_or(0));
        if count == 0 || is_whole {
            return String::from_utf8_lossy(&bytes).into_owned();
        }
    }
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn settings(base_url: BaseUrl) -> ApiSettings {
    ApiSettings {
        base_url,
        key: SecretString::from(KEY),
        timeout: Duration::from_secs(20),
        proxy: None,
    }
}

async fn exchange(base_url: BaseUrl, endpoint: Endpoint) -> Result<WireResponse, TransportError> {
    let body = endpoint.is_write().then(|| "{\"a\":1}".to_owned());
    let request = WireRequest {
        endpoint,
        path: "/customers/7".to_owned(),
        body,
    };
    HttpTransport::new(&settings(base_url))
        .unwrap()
        .exchange(&request)
        .await
}

fn client(settings: &ApiSettings) -> WriteClient {
    let gate = Gate::new(GateParts {
        transport: Arc::new(HttpTransport::new(settings).unwrap()),
        limits: LimitSettings {
            requests_per_minute: 0,
            max_outage: Duration::ZERO,
            ..LimitSettings::default()
        },
        clock: Clock::start(SystemTime::UNIX_EPOCH),
        stops: StopTokens::default(),
        scrubber: Scrubber::new(&settings.key),
        seed: 1,
    });
    WriteClient::new(ReadClient::new(Arc::new(gate)))
}

#[tokio::test]
async fn a_request_is_what_the_api_documents() {
    let (url, seen) = server(answer("200 OK\r\nRetry-After: 5\r\nDate: then", b"Ok")).await;
    let response = exchange(url, Endpoint::Untag).await.unwrap();
    assert_eq!(
        (response.status, response.body.unwrap()),
        (200, b"Ok".to_vec())
    );
    assert_eq!(
        (response.retry_after.as_deref(), response.date.as_deref()),
        (Some("5"), Some("then"))
    );
    let seen = seen.lock().unwrap().join("");
    assert!(
        seen.starts_with("DELETE /v1/customers/7 HTTP/1.1\r\n"),
        "{seen}"
    );
    assert!(seen.ends_with("\r\n\r\n{\"a\":1}"), "{seen}");
    let head = seen.to_ascii_lowercase();
    for line in [
        format!("authorization: bearer {KEY}"),
        "content-type: application/json".to_owned(),
        format!("user-agent: hcsync/{}", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(head.contains(&line), "{line} in {head}");
    }
}

#[tokio::test]
async fn a_redirect_is_answered_and_not_followed() {
    let (url, seen) = server(answer("302 Found\r\nLocation: http://127.0.0.1:1/x", b"")).await;
    let response = exchange(url, Endpoint::Get).await.unwrap();
    assert_eq!(
        (response.status, response.location.as_deref()),
        (302, Some("http://127.0.0.1:1/x"))
    );
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_cut_before_the_answer_is_a_cut_and_not_repeated() {
    let (url, seen) = server("").await;
    for endpoint in [Endpoint::Create, Endpoint::Get] {
        assert_eq!(
            exchange(url.clone(), endpoint).await.unwrap_err(),
            TransportError::Cut
        );
    }
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_cut_within_the_answer_keeps_its_status() {
    let (url, _) = server("HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{\"id\":").await;
    let response = exchange(url, Endpoint::Create).await.unwrap();
    assert_eq!(
        (response.status, response.body),
        (201, Err(TransportError::Cut))
    );
}

#[tokio::test]
async fn nobody_listening_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = exchange(BaseUrl::parse(&url).unwrap(), Endpoint::Create)
        .await
        .unwrap_err();
    assert!(error.is_before_sending(), "{error}");
}

#[tokio::test]
async fn a_failed_handshake_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"no TLS here").await;
        }
    });
    let settings = settings(BaseUrl::parse(&url).unwrap());
    // A system without any roots cannot make an https client at all.
    let Ok(transport) = HttpTransport::new(&settings) else {
        return;
    };
    let request = WireRequest {
        endpoint: Endpoint::Create,
        path: "/customers".to_owned(),
        body: None,
    };
    let error = transport.exchange(&request).await.unwrap_err();
    let TransportError::Unreachable(why) = &error else {
        panic!("{error}")
    };
    assert!(why.contains("does not speak TLS"), "{why}");
}

#[tokio::test]
async fn no_answer_in_time_is_a_time_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = BaseUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let settings = ApiSettings {
        timeout: Duration::from_millis(200),
        ..settings(url)
    };
    let request = WireRequest {
        endpoint: Endpoint::Create,
        path: "/customers".to_owned(),
        body: None,
    };
    let error = HttpTransport::new(&settings)
        .unwrap()
        .exchange(&request)
        .await
        .unwrap_err();
    assert_eq!(error, TransportError::TimedOut);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn gzip_is_read_in_every_form_and_damage_is_named() {
    let members = [gzip(b"hel"), gzip(b"lo")].concat();
    for (encoding, body) in [
        ("Content-Encoding: gzip", gzip(b"hello")),
        ("Content-Encoding: GZIP", gzip(b"hello")),
        ("content-encoding: x-gzip", gzip(b"hello")),
        ("X-None: 1", gzip(b"hello")),
        ("Content-Encoding: gzip", members),
        // A proxy decompressed it and left the header.
        ("Content-Encoding: gzip", b"hello".to_vec()),
    ] {
        let (url, seen) = server(answer(&format!("200 OK\r\n{encoding}"), &body)).await;
        let body = exchange(url, Endpoint::Get).await.unwrap().body.unwrap();
        assert_eq!(body, b"hello", "{encoding}");
        let head = seen.lock().unwrap()[0].to_ascii_lowercase();
        assert!(head.contains("accept-encoding: gzip"), "{head}");
    }
    let mut damaged = gzip(b"hello");
    damaged[12] ^= 0xff;
    let (url, _) = server(answer("200 OK", &damaged)).await;
    let error = exchange(url, Endpoint::Get)
        .await
        .unwrap()
        .body
        .unwrap_err();
    assert!(matches!(error, TransportError::NotUnderstood(_)), "{error}");
}

#[tokio::test]
async fn many_headers_and_folded_ones_are_read() {
    let many: String = (0..200).map(|n| format!("X-Hop-{n}: via\r\n")).collect();
    for head in [
        format!("200 OK\r\n{many}X-End: 1"),
        "200 OK\r\nX-Folded: a\r\n  b\r\n\tc".to_owned(),
    ] {
        let (url, _) = server(answer(&head, b"hello")).await;
        let body = exchange(url, Endpoint::Get).await.unwrap().body.unwrap();
        assert_eq!(body, b"hello");
    }
}

#[tokio::test]
async fn what_is_no_http_is_not_called_a_cut() {
    let (url, _) = server("SSH-2.0-OpenSSH_9.6\r\n").await;
    let error = exchange(url, Endpoint::Get).await.unwrap_err();
    assert!(matches!(error, TransportError::NotUnderstood(_)), "{error}");
}

#[tokio::test]
async fn an_answer_that_grows_too_large_is_left() {
    let bomb = gzip(&vec![b' '; http_transport::MAX_BODY + 1]);
    let (url, _) = server(answer("200 OK\r\nContent-Encoding: gzip", &bomb)).await;
    let limit = http_transport::MAX_BODY;
    assert_eq!(
        exchange(url, Endpoint::Get).await.unwrap().body,
        Err(TransportError::TooLarge { limit })
    );
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_refused() {
    for key in ["", " ", "a\nb"] {
        let url = BaseUrl::parse("http://127.0.0.1:1").unwrap();
        let settings = ApiSettings {
            key: SecretString::from(key),
            ..settings(url)
        };
        assert!(
            matches!(HttpTransport::new(&settings), Err(HttpTransportError::Key)),
            "{key:?}"
        );
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn neither_key_nor_values_are_logged_or_shown_at_any_level() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let echo = format!(
        r#"{{"errors":[{{"code":"{KEY}","message":"bad Bearer {KEY} and {}"}}]}}"#,
        KEY.replace('/', "%2F")
            .replace('+', "%2b")
            .replace('=', "%3D"),
    );
    let create = Create {
        set: vec![(
            crate::domain::Field::Name,
            crate::domain::Value::Text("Secret Name".into()),
        )],
        ..Create::default()
    };
    let mut shown = String::new();
    for head in [
        "400 Bad Request",
        "401 Unauthorized",
        "500 Oops",
        "302 Found\r\nLocation: /?k3y-th4t/must+not=l3ak",
    ] {
        let (url, _) = server(answer(head, echo.as_bytes())).await;
        let client = client(&settings(url));
        let created = client.create(&create).await;
        let got = client.get(CustomerId(7)).await;
        shown += &format!(
            "{created:?} {got:?} {client:?} {:?}",
            client.gate().stop_reason()
        );
        for error in [created.result.unwrap_err(), got.result.unwrap_err()] {
            shown += &error.to_string();
        }
    }
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        logged.contains("create") && logged.contains("400"),
        "{logged}"
    );
    assert!(shown.contains("[API key]"), "{shown}");
    for text in [&shown, &logged] {
        for secret in ["k3y-th4t", "l3ak", "Secret Name"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
