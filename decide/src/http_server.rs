//! HTTP/1.1 with keep-alive, for those who answer without waiting.

use std::convert::Infallible;
use std::future::ready;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gate::identity::TrustedProxies;
use hyper::Request;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::listen::Listener;
use crate::reply::Reply;
use crate::threads::Stop;

/// An edge keeps some tens; more than this and it has forgotten to keep them.
const CONNECTIONS_MAX: usize = 4_096;
/// Pause before accepting again after a failed accept, such as when file descriptors run out.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);
/// A reply takes microseconds; who has not read it by then is gone.
const STOP_GRACE: Duration = Duration::from_millis(500);

/// Answers requests.
pub(crate) trait Serve: Send + Sync + 'static {
    /// The reply to a request whose body, if it has one, does not matter.
    /// `peer` is who asks over TCP.
    fn answer(&self, request: &Parts, peer: Option<IpAddr>) -> Reply;

    /// The reply to somebody who may not ask.
    fn turn_away(&self) -> Reply;
}

/// Accepts connections and serves them until the stop. Whoever comes over TCP must be one of
/// `peers`, where there are any.
pub(crate) async fn serve<S: Serve>(
    listener: Listener,
    serve: Arc<S>,
    peers: Option<TrustedProxies>,
    mut stop: Stop,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    // Kept until the end: it removes the socket's file.
    let (listener, _file) = match listener {
        Listener::Unix(listener, file) => {
            (tokio::net::UnixListener::from_std(listener).map(Accepting::Unix), Some(file))
        }
        Listener::Tcp(listener) => {
            (tokio::net::TcpListener::from_std(listener).map(Accepting::Tcp), None)
        }
    };
    let listener = match listener {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "cannot accept connections"),
    };
    loop {
        while connections.try_join_next().is_some() {}
        let permit = tokio::select! {
            permit = Arc::clone(&room).acquire_owned() => permit,
            _ = stop.changed() => break,
        };
        let Ok(permit) = permit else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(_) => {
                tokio::time::sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        let is_believed = match (&peers, peer) {
            (Some(peers), Some(peer)) => peers.contains(peer.to_canonical()),
            _ => true,
        };
        let (serve, stop) = (Arc::clone(&serve), stop.clone());
        let asker = Asker { is_believed, peer };
        connections.spawn(async move {
            match stream {
                Stream::Unix(stream) => converse(stream, serve, asker, stop).await,
                Stream::Tcp(stream) => converse(stream, serve, asker, stop).await,
            }
            drop(permit);
        });
    }
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(STOP_GRACE, all).await;
}

enum Accepting {
    Unix(tokio::net::UnixListener),
    Tcp(tokio::net::TcpListener),
}

enum Stream {
    Unix(tokio::net::UnixStream),
    Tcp(tokio::net::TcpStream),
}

impl Accepting {
    async fn accept(&self) -> std::io::Result<(Stream, Option<IpAddr>)> {
        match self {
            Self::Unix(listener) => {
                listener.accept().await.map(|(stream, _)| (Stream::Unix(stream), None))
            }
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Refused where the other side has gone already.
                let _ = stream.set_nodelay(true);
                Ok((Stream::Tcp(stream), Some(peer.ip())))
            }
        }
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy)]
struct Asker {
    is_believed: bool,
    peer: Option<IpAddr>,
}

async fn converse<S: Serve>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    serve: Arc<S>,
    Asker { is_believed, peer }: Asker,
    mut stop: Stop,
) {
    let service = service_fn(|request: Request<Incoming>| {
        let (head, _) = request.into_parts();
        let reply = if is_believed { serve.answer(&head, peer) } else { serve.turn_away() };
        ready(Ok::<_, Infallible>(reply))
    });
    let mut builder = http1::Builder::new();
    builder.auto_date_header(false).keep_alive(is_believed);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // An error means that the other side went away, which needs no handling.
        _ = connection.as_mut() => return,
        _ = stop.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
