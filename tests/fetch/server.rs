//! A host on the loopback address that answers as badly as it is told to.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What one request gets.
pub struct Reply {
    bytes: Vec<u8>,
    stalled: bool,
}

impl Reply {
    pub fn new(status: &str, headers: &str, body: &[u8]) -> Self {
        let head = format!("HTTP/1.1 {status}\r\n{headers}\r\n\r\n");
        Self { bytes: [head.as_bytes(), body].concat(), stalled: false }
    }

    pub fn whole(bytes: &[u8]) -> Self {
        Self::new("200 OK", &format!("Content-Length: {}", bytes.len()), bytes)
    }

    /// The bytes from `start` on.
    pub fn from(bytes: &[u8], start: usize) -> Self {
        let (rest, whole) = (&bytes[start..], bytes.len());
        let range = format!("Content-Range: bytes {start}-{}/{whole}", whole - 1);
        Self::new("206 Partial Content", &format!("{range}\r\nContent-Length: {}", rest.len()), rest)
    }

    /// Ends the connection after `length` bytes of the body.
    pub fn cut(mut self, length: usize) -> Self {
        let body = self.bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
        self.bytes.truncate(if length == 0 { 0 } else { body + length });
        self
    }

    /// Says nothing more, but keeps the connection.
    pub fn stalled(self) -> Self {
        Self { stalled: true, ..self }
    }
}

/// A host. Each request has a connection of its own.
pub struct Server {
    pub url: String,
    ranges: Arc<Mutex<Vec<Option<usize>>>>,
}

impl Server {
    /// `answer` is told the request's number, from 0, and the first byte of the range that it asks for.
    pub fn new(answer: impl Fn(usize, Option<usize>) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/small.tar.gz", listener.local_addr().unwrap());
        let ranges = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&ranges);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let range = range_of(&stream);
                seen.lock().unwrap().push(range);
                let reply = answer(number, range);
                // A client that has seen enough closes the connection.
                let _ = stream.write_all(&reply.bytes);
                if reply.stalled {
                    thread::spawn(move || {
                        thread::sleep(Duration::from_secs(5));
                        drop(stream);
                    });
                }
            }
        });
        Self { url, ranges }
    }

    /// One that has `bytes`, and ranges of them.
    pub fn of(bytes: &[u8]) -> Self {
        let bytes = bytes.to_vec();
        Self::new(move |_, range| {
            range.map_or_else(|| Reply::whole(&bytes), |start| Reply::from(&bytes, start))
        })
    }

    /// One that has `bytes`, and gives them all whatever it is asked.
    pub fn of_all(bytes: &[u8]) -> Self {
        let bytes = bytes.to_vec();
        Self::new(move |_, _| Reply::whole(&bytes))
    }

    /// The first byte of the range of each request so far.
    pub fn ranges(&self) -> Vec<Option<usize>> {
        self.ranges.lock().unwrap().clone()
    }
}

/// Reads a request, and the first byte of the range it asks for.
fn range_of(stream: &TcpStream) -> Option<usize> {
    let mut range = None;
    for line in BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
        if let Some(start) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            range = Some(start.trim_end_matches('-').parse().unwrap());
        }
    }
    range
}
