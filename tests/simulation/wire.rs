//! Requests of a simulated process to a sandbox beside it, over no socket, under tokio's clock.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hcsync::helpcrunch::{BoxFuture, Transport, TransportError, WireRequest, WireResponse};
use hcsync::sandbox::{Cut, Sandbox};
use http::{HeaderName, Request, Response, header};
use tokio::time::timeout;

use crate::plug::{Plug, Reach};

/// The way from one process to the server.
#[derive(Debug)]
pub(crate) struct Wire {
    sandbox: Sandbox,
    plug: Arc<Plug>,
    timeout: Duration,
}

impl Wire {
    pub(crate) fn new(sandbox: Sandbox, plug: Arc<Plug>, timeout: Duration) -> Self {
        Self {
            sandbox,
            plug,
            timeout,
        }
    }

    async fn send(&self, request: &WireRequest) -> Result<WireResponse, TransportError> {
        if self.plug.is_pulled() {
            pending::<()>().await;
        }
        let call = self.sandbox.call(http_request(request));
        if let Some(reach) = self.plug.request() {
            if reach == Reach::Arrived {
                let sandbox = self.sandbox.clone();
                let request = http_request(request);
                tokio::spawn(async move { sandbox.call(request).await });
                // The server has it before its sender is gone.
                tokio::task::yield_now().await;
            }
            self.plug.pull();
            pending::<()>().await;
        }
        tokio::select! {
            biased;
            answer = timeout(self.timeout, call) => match answer {
                Err(_) => Err(TransportError::TimedOut),
                Ok(answer) => wire_response(answer),
            },
            () = self.plug.pulled() => pending().await,
        }
    }
}

impl Transport for Wire {
    fn exchange<'a>(
        &'a self,
        request: &'a WireRequest,
    ) -> BoxFuture<'a, Result<WireResponse, TransportError>> {
        Box::pin(self.send(request))
    }
}

fn http_request(request: &WireRequest) -> Request<Bytes> {
    let body = request.body.clone().unwrap_or_default();
    Request::builder()
        .method(request.method().as_str())
        .uri(format!("/v1{}", request.path))
        .header(header::AUTHORIZATION, "Bearer simulation")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Bytes::from(body))
        .unwrap()
}

fn wire_response(answer: Result<Response<Bytes>, Cut>) -> Result<WireResponse, TransportError> {
    let (answer, is_whole) = match answer {
        Ok(answer) => (answer, true),
        Err(Cut::MidBody(part)) => (*part, false),
        Err(Cut::NoAnswer) => return Err(TransportError::Cut),
    };
    let text = |name: HeaderName| {
        let value = answer.headers().get(name)?;
        Some(value.to_str().unwrap().to_owned())
    };
    Ok(WireResponse {
        status: answer.status().as_u16(),
        retry_after: text(header::RETRY_AFTER),
        date: text(header::DATE),
        location: text(header::LOCATION),
        has_rate_headers: answer.headers().contains_key("x-ratelimit-limit"),
        body: if is_whole {
            Ok(answer.body().to_vec())
        } else {
            Err(TransportError::Cut)
        },
    })
}
