//! A shop small enough to read: one thread a connection, and it says what it saw.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

/// Runs until the process ends; its threads wait in `accept` and cost nothing.
pub struct Origin {
    pub addr: SocketAddr,
    /// A token for each step of `/slow` and `/upload` that the shop has reached.
    pub steps: Receiver<String>,
    /// Lets `/slow` go on.
    pub go: std::sync::mpsc::Sender<()>,
}

impl Origin {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let (step, steps) = channel();
        let (go, wait) = channel();
        let wait = std::sync::Arc::new(std::sync::Mutex::new(wait));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (step, wait) = (step.clone(), wait.clone());
                std::thread::spawn(move || {
                    let wait_for_go = || wait.lock().unwrap().recv().unwrap();
                    serve(
                        stream.unwrap(),
                        &|text| step.send(text.to_owned()).unwrap(),
                        &wait_for_go,
                    );
                });
            }
        });
        Self { addr, steps, go }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

fn serve(mut stream: TcpStream, step: &dyn Fn(&str), wait_for_go: &dyn Fn()) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = String::new();
        loop {
            let before = head.len();
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
            if &head[before..] == "\r\n" {
                break;
            }
        }
        let lower = head.to_ascii_lowercase();
        let target = head.split(' ').nth(1).unwrap();
        let length = lower
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next()?.parse().ok());
        match target {
            "/upgrade" => {
                write!(
                    stream,
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: \
                    Upgrade\r\nUpgrade: websocket\r\n\r\n"
                )
                .unwrap();
                let mut word = [0; 5];
                while reader.read_exact(&mut word).is_ok() {
                    stream.write_all(&word.map(|letter| letter.to_ascii_uppercase())).unwrap();
                }
                return;
            }
            "/slow" | "/slow-known" => {
                let chunked = target == "/slow";
                let framing =
                    if chunked { "Transfer-Encoding: chunked" } else { "Content-Length: 10" };
                write!(stream, "HTTP/1.1 200 OK\r\n{framing}\r\n\r\n").unwrap();
                for part in ["first", "final"] {
                    match chunked {
                        true => write!(stream, "5\r\n{part}\r\n").unwrap(),
                        false => stream.write_all(part.as_bytes()).unwrap(),
                    }
                    if part == "first" {
                        step("first sent");
                        wait_for_go();
                    }
                }
                if chunked {
                    stream.write_all(b"0\r\n\r\n").unwrap();
                }
            }
            "/upload" => {
                let mut half = vec![0; length.unwrap_or(10) / 2];
                reader.read_exact(&mut half).unwrap();
                step("half read");
                reader.read_exact(&mut half).unwrap();
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone").unwrap();
            }
            _ => {
                let mut body = vec![0; length.unwrap_or(0)];
                reader.read_exact(&mut body).unwrap();
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{head}", head.len())
                    .unwrap();
            }
        }
    }
}
