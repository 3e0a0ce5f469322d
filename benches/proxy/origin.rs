//! The origin behind the proxies, a child process: the same small answer to every request.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::child::serve_until_told;

/// What the origin answers: a small reply, so that moving bytes does not hide the rest.
pub const BODY_BYTES: usize = 512;

/// A server that answers every request at once with the same bytes, on one thread.
pub fn be_origin() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let addr = listener.local_addr().expect("it has an address");
    // Ends with the process.
    std::thread::spawn(move || {
        runtime.block_on(async {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                tokio::spawn(answer(stream));
            }
        });
    });
    serve_until_told(addr);
}

async fn answer(mut stream: TcpStream) {
    let reply = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {BODY_BYTES}\r\n\r\n{}",
        "k".repeat(BODY_BYTES)
    );
    let mut buffer = vec![0; 8_192];
    let mut filled = 0;
    let _ = stream.set_nodelay(true);
    loop {
        match stream.read(&mut buffer[filled..]).await {
            Ok(bytes) if bytes > 0 => filled += bytes,
            _ => return,
        }
        // No request here has a body, and none is sent before the one before it was answered.
        if buffer[..filled].ends_with(b"\r\n\r\n") {
            filled = 0;
            if stream.write_all(reply.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}
