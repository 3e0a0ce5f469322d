//! A shop that answers at once: the status is in the path, the body is two bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// Starts it; runs until the process ends, one thread a connection.
pub fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    addr
}

fn serve(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    stream.set_nodelay(true).unwrap();
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let content = if line.starts_with("HEAD ") { "" } else { "ok" };
        let status = match line.split(' ').nth(1).unwrap_or("") {
            "/login" => "401 Unauthorized",
            target if target.starts_with("/gone/") => "404 Not Found",
            target if target.starts_with("/broken/") => "500 Internal Server Error",
            _ => "200 OK",
        };
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        if write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{content}").is_err() {
            return;
        }
    }
}
