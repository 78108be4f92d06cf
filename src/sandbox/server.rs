//! Serves the sandbox on a socket.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::answers::respond;
use super::error_reply::ErrorReply;
use super::handle::{Cut, Sandbox};
use super::reply::Reply;

/// More than the largest request: a search with thousands of filters.
const MAX_BODY: usize = 4 * 1024 * 1024;

impl Sandbox {
    /// Serves HTTP/1.1 until `shutdown` ends, and then closes every connection.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let mut shutdown = pin!(shutdown);
        // Dropping the set aborts its tasks.
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut shutdown => return Ok(()),
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(self.clone().connection(stream));
                    }
                    Err(error) if is_of_one_connection(&error) => {}
                    Err(error) => return Err(error),
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn connection(self, stream: TcpStream) {
        // Answers are smaller than a segment and must not wait for more data.
        let _unsupported = stream.set_nodelay(true);
        let service = service_fn(move |request| {
            let sandbox = self.clone();
            async move { sandbox.over_socket(request).await }
        });
        let served = http1::Builder::new()
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = served.await {
            tracing::debug!(%error, "connection closed");
        }
    }

    fn refuse(&self, error: &ErrorReply) -> Response<ReplyBody> {
        let reply = Reply::json(error.status(), &error.body(&self.quirks()));
        respond(reply).map(ReplyBody::whole)
    }

    /// Answers a request. An error closes the connection without an answer.
    async fn over_socket(&self, request: Request<Incoming>) -> Result<Response<ReplyBody>, Cut> {
        let (head, body) = request.into_parts();
        if !is_for_this_machine(&head) {
            return Ok(self.refuse(&ErrorReply::WrongHost));
        }
        let body = match Limited::new(body, MAX_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return Ok(self.refuse(&ErrorReply::TooLarge));
            }
            Err(_) => return Err(Cut::NoAnswer),
        };
        match self.call(Request::from_parts(head, body)).await {
            Ok(answer) => Ok(answer.map(ReplyBody::whole)),
            Err(Cut::MidBody(part)) => Ok(part.map(ReplyBody::part)),
            Err(Cut::NoAnswer) => Err(Cut::NoAnswer),
        }
    }
}

/// Whether a request names an address or this machine as its host. Rejects requests of web pages whose name was made to
/// point to this machine (DNS rebinding), since these name that.
fn is_for_this_machine(head: &Parts) -> bool {
    let hosts: Vec<_> = head.headers.get_all(HOST).iter().collect();
    let [host] = hosts.as_slice() else {
        return false;
    };
    let host = host.to_str().ok();
    let Some(host) = host.and_then(|host| host.parse::<Authority>().ok()) else {
        return false;
    };
    let name = host.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

/// Whether an error of `accept` concerns only a client that is gone.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// The body of an answer, which may be cut.
#[derive(Debug)]
struct ReplyBody {
    data: Option<Bytes>,
    ending: Ending,
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    Complete,
    /// Pending once, so that the part of the body is sent before the connection closes.
    Flush,
    Cut,
}

impl ReplyBody {
    fn whole(data: Bytes) -> Self {
        Self {
            data: Some(data),
            ending: Ending::Complete,
        }
    }

    fn part(data: Bytes) -> Self {
        Self {
            data: Some(data),
            ending: Ending::Flush,
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(data) = self.data.take().filter(|data| !data.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.ending {
            Ending::Complete => Poll::Ready(None),
            Ending::Flush => {
                self.ending = Ending::Cut;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Ending::Cut => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.ending, Ending::Complete) && self.data.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        match self.ending {
            Ending::Complete => {
                SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64))
            }
            Ending::Flush | Ending::Cut => SizeHint::default(),
        }
    }
}
