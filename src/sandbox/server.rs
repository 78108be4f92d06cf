//! The server on a socket, where a cut really closes the connection.

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

use super::account::Reply;
use super::handle::{Cut, Sandbox};
use super::problem::Problem;
use super::state::respond;

/// More than the largest request: a search with thousands of filters.
const BODY_MAX: usize = 4 * 1024 * 1024;

impl Sandbox {
    /// Serves HTTP/1.1 until `shutdown` ends, and then closes every connection.
    ///
    /// # Errors
    /// When the listener can no longer accept.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let mut shutdown = pin!(shutdown);
        // Dropping the set ends what it holds.
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut shutdown => return Ok(()),
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(self.clone().connection(stream));
                    }
                    Err(error) if of_one_connection(&error) => {}
                    Err(error) => return Err(error),
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn connection(self, stream: TcpStream) {
        // An answer is smaller than a segment, and waits for nothing.
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

    /// An error closes the connection without a byte of an answer.
    async fn over_socket(&self, request: Request<Incoming>) -> Result<Response<Answer>, Cut> {
        let (head, body) = request.into_parts();
        if !is_for_this_machine(&head) {
            let problem = Problem::WrongHost;
            let reply = Reply::json(problem.status(), &problem.body(&self.quirks()));
            return Ok(respond(reply).map(Answer::whole));
        }
        let body = match Limited::new(body, BODY_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                let problem = Problem::TooLarge;
                let reply = Reply::json(problem.status(), &problem.body(&self.quirks()));
                return Ok(respond(reply).map(Answer::whole));
            }
            Err(_) => return Err(Cut::NoAnswer),
        };
        match self.call(Request::from_parts(head, body)).await {
            Ok(answer) => Ok(answer.map(Answer::whole)),
            Err(Cut::MidBody(part)) => Ok(part.map(Answer::part)),
            Err(Cut::NoAnswer) => Err(Cut::NoAnswer),
        }
    }
}

/// Whether a request names an address, or this machine, as its host. A web page whose own name was made to point to this
/// machine (DNS rebinding) names that.
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

/// Errors of `accept` that concern nobody but the client that is gone.
fn of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// The body of an answer, which may break off.
#[derive(Debug)]
struct Answer {
    data: Option<Bytes>,
    ending: Ending,
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    Complete,
    /// Once pending, so that what there is of the body goes out first.
    Flush,
    Cut,
}

impl Answer {
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

impl Body for Answer {
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
