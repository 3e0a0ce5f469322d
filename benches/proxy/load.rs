//! The load generator: sends requests over keep-alive connections and times the answers.

use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::origin::BODY_BYTES;

/// Connections that the load generator keeps open. They are so many that the proxy's one thread
/// always has work: waking an idle thread costs CPU time, and the slower proxy would pay it less
/// often.
const CONNECTIONS: usize = 64;

/// Sends all requests over keep-alive connections, one at a time on each. Every answer must be 200.
/// Returns how long each took, in µs.
pub fn load(addr: SocketAddr, requests: impl Iterator<Item = String>) -> Vec<u32> {
    let requests = std::cell::RefCell::new(requests);
    let micros = std::cell::RefCell::new(Vec::new());
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let local = tokio::task::LocalSet::new();
    let connections = (0..CONNECTIONS).map(|_| async {
        let mut stream = TcpStream::connect(addr).await.expect("the proxy accepts");
        stream.set_nodelay(true).expect("a socket option");
        let mut answer = vec![0; 4_096];
        loop {
            let Some(request) = requests.borrow_mut().next() else { return };
            let started = Instant::now();
            stream.write_all(request.as_bytes()).await.expect("the proxy reads");
            let status = read_answer(&mut stream, &mut answer).await;
            micros
                .borrow_mut()
                .push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
            assert_eq!(status, "200", "every request passes, or the runs would not compare");
        }
    });
    let all: Vec<_> = connections.collect();
    runtime.block_on(local.run_until(join_all(all)));
    micros.into_inner()
}

/// Polls every future to its end.
async fn join_all<F: Future<Output = ()>>(futures: Vec<F>) {
    let mut waiting: Vec<_> = futures.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

async fn read_answer<'a>(stream: &mut TcpStream, buffer: &'a mut [u8]) -> &'a str {
    let mut filled = 0;
    loop {
        let bytes = stream.read(&mut buffer[filled..]).await.expect("the proxy answers");
        assert!(bytes > 0, "the proxy closed the connection");
        filled += bytes;
        let head = buffer[..filled].windows(4).position(|window| window == b"\r\n\r\n");
        if head.is_some_and(|head| filled >= head + 4 + BODY_BYTES) {
            return std::str::from_utf8(&buffer[9..12]).unwrap_or("");
        }
        // A refusal has a shorter body: do not wait for more of it.
        if head.is_some() && &buffer[9..12] != b"200" {
            return std::str::from_utf8(&buffer[9..12]).unwrap_or("");
        }
    }
}
