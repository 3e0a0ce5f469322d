//! Connections to the shop for requests that ask for an upgrade (WebSocket): their first answers
//! are read a moment late.
//!
//! Pingora 0.9.1 tears a tunnel down right after its 101 when the shop answers before Pingora's
//! other half has handed over the end of the (empty) request body: the end of the body is then
//! taken for the end of the tunnel (its issue 946, open). Against a shop on the same machine that
//! is one upgrade in a hundred. The body's end is handed over in the same step in which reading
//! begins, so reading a millisecond late decides the race. Only upgrades wait, only until the
//! tunnel stands, and this file can go when the issue is closed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use pingora::connectors::L4Connect;
use pingora::protocols::l4::socket::SocketAddr;
use pingora::protocols::l4::stream::Stream;
use pingora::protocols::l4::virt::{VirtualSockOpt, VirtualSocket, VirtualSocketStream};
use pingora::{Error, ErrorType, OrErr, Result};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// The timer's own step; the other half needs microseconds.
const LATE: Duration = Duration::from_millis(1);
/// Turns from writing to reading until a tunnel stands: three for TLS 1.2, and the upgrade itself.
const TURNS: u8 = 4;

/// Makes such connections.
#[derive(Debug)]
pub(crate) struct TunnelConnector;

#[async_trait]
impl L4Connect for TunnelConnector {
    async fn connect(&self, address: &SocketAddr) -> Result<Stream> {
        let address = address.as_inet().ok_or_else(|| Error::new(ErrorType::SocketError))?;
        let stream = TcpStream::connect(address)
            .await
            .or_err(ErrorType::ConnectError, "connecting for an upgrade")?;
        let late = LateReader { stream, turns: TURNS, wrote: false, wait: None };
        Ok(Stream::from(VirtualSocketStream::new(Box::new(late))))
    }
}

/// A socket that reads [`LATE`] after each of its first few writes.
#[derive(Debug)]
struct LateReader {
    stream: TcpStream,
    turns: u8,
    wrote: bool,
    wait: Option<Pin<Box<Sleep>>>,
}

impl AsyncRead for LateReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.wrote && self.turns > 0 {
            self.wrote = false;
            self.turns -= 1;
            self.wait = Some(Box::pin(sleep(LATE)));
        }
        if let Some(wait) = &mut self.wait {
            ready!(wait.as_mut().poll(context));
            self.wait = None;
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for LateReader {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.wrote = true;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl VirtualSocket for LateReader {
    fn set_socket_option(&self, option: VirtualSockOpt) -> io::Result<()> {
        match option {
            VirtualSockOpt::NoDelay => self.stream.set_nodelay(true),
            // Tunnels end by the gate's own time-outs.
            _ => Ok(()),
        }
    }
}
