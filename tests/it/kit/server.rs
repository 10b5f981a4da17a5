//! A server on the loopback that a test tells what to answer, and that remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

/// What it answers to the path of a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// A file, whole.
    File(PathBuf),
    /// Bytes, whole.
    Bytes(Vec<u8>),
    /// A status and a header, such as `("302 Found", "Location: ...")`.
    Status(&'static str, String),
    /// So many bytes of a file that is said to be longer, and then silence.
    Stall(usize),
}

#[derive(Default)]
struct State {
    answers: BTreeMap<String, Answer>,
    asked: Vec<String>,
}

/// A server; it lives as long as the process.
pub(crate) struct Server {
    address: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// One that has nothing yet: 404.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &state));
            }
        });
        Self { address, state }
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The URL of a path that begins with `/`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sets an answer. The path `*` is for all that have none of their own.
    pub(crate) fn answer(&self, path: &str, answer: Answer) {
        self.state.lock().unwrap().answers.insert(path.to_owned(), answer);
    }

    /// What was asked since the last time: first line and headers of each request.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let target = head.split(' ').nth(1)?.to_owned();
        let answer = {
            let mut state = state.lock().unwrap();
            state.asked.push(head);
            state.answers.get(&target).or_else(|| state.answers.get("*")).cloned()
        };
        let ok = |length: u64| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        match answer {
            Some(Answer::File(path)) => {
                let mut file = std::fs::File::open(path).ok()?;
                stream.write_all(ok(file.metadata().ok()?.len()).as_bytes()).ok()?;
                std::io::copy(&mut file, &mut stream).ok()?;
            }
            Some(Answer::Bytes(bytes)) => {
                stream.write_all(ok(bytes.len() as u64).as_bytes()).ok()?;
                stream.write_all(&bytes).ok()?;
            }
            Some(Answer::Status(status, header)) => {
                stream.write_all(format!("HTTP/1.1 {status}\r\n{header}\r\nContent-Length: 0\r\n\r\n").as_bytes()).ok()?;
            }
            Some(Answer::Stall(bytes)) => {
                stream.write_all(ok(1 << 30).as_bytes()).ok()?;
                stream.write_all(&vec![b'x'; bytes]).ok()?;
                // Until the other side goes away.
                let _ = reader.read(&mut [0; 1]);
                return None;
            }
            None => stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").ok()?,
        }
    }
}
