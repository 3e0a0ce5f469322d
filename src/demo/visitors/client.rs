//! One visitor's HTTP/1.1 connection. It is kept alive, and opened again when the server has closed
//! it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, REFERER, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;
use traffic::sim::VisitStep;

use super::request::RequestResult;

/// The header by which the gate marks an answer as its own.
const DECISION_HEADER: &str = "x-kidoban-decision";

/// Longer than any page of the shop takes. A connection that hangs must not end the visit.
const ANSWER_MAX: Duration = Duration::from_secs(10);

type Problem = Box<dyn std::error::Error + Send + Sync>;

/// A client of one server, bound to one source address.
pub(super) struct Client {
    to: SocketAddr,
    source: IpAddr,
    user_agent: &'static str,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub(super) fn new(to: SocketAddr, source: IpAddr, user_agent: &'static str) -> Self {
        Self { to, source, user_agent, connection: None }
    }

    /// Sends one request and reads all of its answer.
    pub(super) async fn ask(&mut self, step: &VisitStep) -> RequestResult {
        let answer = match tokio::time::timeout(ANSWER_MAX, self.exchange(step)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(problem)) => RequestResult::Failed(problem.to_string()),
            Err(_) => RequestResult::Failed(format!("no answer within {} s", ANSWER_MAX.as_secs())),
        };
        if matches!(answer, RequestResult::Failed(_)) {
            self.connection = None;
        }
        answer
    }

    async fn exchange(&mut self, step: &VisitStep) -> Result<RequestResult, Problem> {
        let request = self.request(step)?;
        if let Some(connection) =
            self.connection.as_mut().filter(|connection| !connection.is_closed())
            && connection.ready().await.is_ok()
        {
            match connection.try_send_request(request).await {
                Ok(response) => return read(response).await,
                // The server closed an idle connection. Nothing was sent, so the request may be
                // sent again.
                Err(mut failure) => {
                    if failure.take_message().is_none() {
                        return Err(failure.into_error().into());
                    }
                }
            }
        }
        let mut connection = self.connect().await?;
        let response = connection.send_request(self.request(step)?).await?;
        self.connection = Some(connection);
        read(response).await
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Problem> {
        let socket = if self.to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.bind(SocketAddr::new(self.source, 0))?;
        let stream = socket.connect(self.to).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // The task ends when the sender is dropped or the server closes. The next request notices.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn request(&self, step: &VisitStep) -> Result<Request<Full<Bytes>>, Problem> {
        let accept =
            if step.is_asset { "image/avif,image/webp,*/*" } else { "text/html,*/*;q=0.8" };
        let mut request = Request::builder()
            .method(step.method)
            .uri(&step.target)
            .header(HOST, self.to.to_string())
            .header(USER_AGENT, self.user_agent)
            .header(ACCEPT, accept);
        if let Some(referer) = &step.referer {
            request = request.header(REFERER, &**referer);
        }
        if step.form.is_some() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        Ok(request.body(Full::new(Bytes::from(step.form.clone().unwrap_or_default())))?)
    }
}

async fn read(response: Response<Incoming>) -> Result<RequestResult, Problem> {
    let (head, mut body) = response.into_parts();
    while let Some(frame) = body.frame().await {
        frame?;
    }
    let decision =
        head.headers.get(DECISION_HEADER).and_then(|id| id.to_str().ok()).map(str::to_owned);
    Ok(match (head.status.as_u16(), decision) {
        (429, Some(id)) => RequestResult::Limited(id),
        (403, Some(id)) => RequestResult::Blocked(id),
        (status, _) => RequestResult::Allowed(status),
    })
}
