use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Client, Response, redirect, retry};
use url::Url;

use super::SecretAddress;
use super::address::host_of;

/// For a whole call. The work is done, and nothing may wait long for the report of it.
const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What a ping says: addresses for these are made as healthchecks.io and its like have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ping {
    Start,
    Success,
    Failure,
}

/// Why a call did not arrive. No message shows its address.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
    #[error("it could not be reached: {0}")]
    NotReached(String),
    #[error("it gave no answer within {} seconds", TIMEOUT.as_secs())]
    TimedOut,
    #[error("it broke off, or answered with something that is not HTTP")]
    Cut,
    #[error("it answered {status}, which points to {to}; a redirect is not followed")]
    Redirect { status: u16, to: String },
    #[error("it answered {0}")]
    Status(u16),
}

/// Sends each call once, and follows no redirect. The body of an answer is not read.
#[derive(Debug)]
pub struct Caller(Client, Client);

impl Caller {
    /// # Errors
    /// The platform's TLS roots cannot be loaded.
    pub fn new() -> Result<Self, CallError> {
        // Only the first call in a process installs it; later ones fail and find the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            Client::builder()
                .user_agent(concat!("hcsync/", env!("CARGO_PKG_VERSION")))
                .timeout(TIMEOUT)
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_max_idle_per_host(0)
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .referer(false)
        };
        // A proxy cannot reach the loopback of this host, and plain HTTP needs no roots, which a bare system has none of.
        let plain = builder().no_proxy().tls_certs_only([]);
        let client = builder().build().map_err(CallError::Client)?;
        Ok(Self(client, plain.build().map_err(CallError::Client)?))
    }

    /// Sends a body of JSON.
    ///
    /// # Errors
    /// It did not arrive, or was not accepted.
    pub async fn post(&self, address: &SecretAddress, body: String) -> Result<(), CallError> {
        self.send(address, "application/json", body).await
    }

    /// Sends a ping with a text that the service may show.
    ///
    /// # Errors
    /// As [`post`](Self::post).
    pub async fn ping(
        &self,
        address: &SecretAddress,
        ping: Ping,
        text: String,
    ) -> Result<(), CallError> {
        let address = match ping {
            Ping::Start => &address.with_suffix("/start"),
            Ping::Success => address,
            Ping::Failure => &address.with_suffix("/fail"),
        };
        self.send(address, "text/plain; charset=utf-8", text).await
    }

    async fn send(
        &self,
        address: &SecretAddress,
        kind: &str,
        body: String,
    ) -> Result<(), CallError> {
        let client = match address.is_loopback() {
            true => &self.1,
            false => &self.0,
        };
        let request = client.post(address.url()).header(CONTENT_TYPE, kind);
        let sent = request.body(body).send().await;
        let answer = sent.map_err(|error| failure(&error.without_url()))?;
        let status = answer.status();
        match status.as_u16() {
            _ if status.is_success() => Ok(()),
            status @ 300..=399 => Err(CallError::Redirect {
                to: pointed_to(&answer, address),
                status,
            }),
            status => Err(CallError::Status(status)),
        }
    }
}

/// The host that a redirect points to: the rest of its address may hold a secret.
fn pointed_to(answer: &Response, address: &SecretAddress) -> String {
    let location = answer.headers().get(LOCATION);
    let location = location.and_then(|value| value.to_str().ok());
    let url = location.and_then(|text| {
        Url::options()
            .base_url(Some(&address.url()))
            .parse(text)
            .ok()
    });
    url.map_or_else(|| "no address".to_owned(), |url| host_of(&url))
}

fn failure(error: &reqwest::Error) -> CallError {
    if error.is_connect() {
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        return CallError::NotReached(cause.to_string());
    }
    match error.is_timeout() {
        true => CallError::TimedOut,
        false => CallError::Cut,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// An address at which every request gets this answer, or none and an open connection.
    async fn server(answer: Option<&'static str>) -> SecretAddress {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/s3cret", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                if let Some(answer) = answer {
                    let _ = stream.read(&mut [0; 4096]).await;
                    let _ = stream.write_all(answer.as_bytes()).await;
                } else {
                    open.push(stream);
                }
            }
        });
        SecretAddress::parse(&address).unwrap()
    }

    async fn error(answer: Option<&'static str>) -> String {
        let address = server(answer).await;
        let caller = Caller::new().unwrap();
        let error = caller.post(&address, "{}".to_owned()).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains("s3cret"), "{text}");
        error.to_string()
    }

    #[tokio::test]
    async fn what_does_not_arrive_says_why_without_the_address() {
        let empty = "Content-Length: 0\r\n\r\n";
        let with = |head: &str| &*Box::leak(format!("{head}\r\n{empty}").into_boxed_str());
        let answers = [
            ("HTTP/1.1 500 Oops", "it answered 500"),
            ("HTTP/1.1 404 No", "it answered 404"),
            (
                "HTTP/1.1 302 Found\r\nLocation: https://other.example/s3cret",
                "it answered 302, which points to other.example; a redirect is not followed",
            ),
            (
                "garbage",
                "it broke off, or answered with something that is not HTTP",
            ),
        ];
        for (head, said) in answers {
            assert_eq!(error(Some(with(head))).await, said);
        }
        let closed = SecretAddress::parse("http://127.0.0.1:1/s3cret").unwrap();
        let refused = Caller::new().unwrap().post(&closed, String::new()).await;
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.starts_with("it could not be reached: "),
            "{refused}"
        );
    }

    #[tokio::test]
    async fn a_call_is_accepted_whatever_its_answer_holds() {
        let address = server(Some("HTTP/1.1 204 No Content\r\n\r\n")).await;
        let caller = Caller::new().unwrap();
        caller.post(&address, "{}".to_owned()).await.unwrap();
        let address = server(Some("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n<html")).await;
        caller
            .ping(&address, Ping::Failure, String::new())
            .await
            .unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_not_waited_for() {
        assert_eq!(error(None).await, "it gave no answer within 10 seconds");
    }
}
