//! A git server on the loopback that counts: smart HTTP by way of `git http-backend`, as gitprotocol-http(5) and
//! git-http-backend(1) describe it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;

use super::child::git;

/// What went over the wire.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traffic {
    /// Bytes that the client received, headers included.
    pub(crate) bytes: u64,
    /// Requests that it made.
    pub(crate) requests: u64,
}

/// A server for all repositories in one folder. It lives as long as the process.
pub(crate) struct Server {
    url: String,
    traffic: Arc<Mutex<Traffic>>,
}

impl Server {
    /// Serves the repositories in `root`.
    pub(crate) fn start(root: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let traffic = Arc::new(Mutex::new(Traffic::default()));
        let counted = Arc::clone(&traffic);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (root, counted) = (root.clone(), Arc::clone(&counted));
                thread::spawn(move || {
                    let mut connection = Connection { reader: BufReader::new(stream.try_clone().unwrap()), stream, counted };
                    while connection.serve(&root).unwrap_or(false) {}
                });
            }
        });
        Self { url, traffic }
    }

    /// The URL of a repository.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.url)
    }

    /// What went over the wire since the last time.
    pub(crate) fn take(&self) -> Traffic {
        std::mem::take(&mut *self.traffic.lock().unwrap())
    }
}

struct Connection {
    reader: BufReader<TcpStream>,
    stream: TcpStream,
    counted: Arc<Mutex<Traffic>>,
}

struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Connection {
    /// Answers one request; false at the end of the connection.
    fn serve(&mut self, root: &Path) -> std::io::Result<bool> {
        let Some(request) = self.request()? else { return Ok(false) };
        self.counted.lock().unwrap().requests += 1;
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let mut cgi = git(root);
        cgi.arg("http-backend").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // Whose folder it is does not matter here: it is only read, and by us.
        // Filters are what public hosts allow.
        for (index, (key, value)) in [("safe.directory", "*"), ("uploadpack.allowFilter", "true")].into_iter().enumerate() {
            cgi.env(format!("GIT_CONFIG_KEY_{index}"), key).env(format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        cgi.env("GIT_CONFIG_COUNT", "2");
        cgi.env("GIT_PROJECT_ROOT", root).env("GIT_HTTP_EXPORT_ALL", "1").env("REMOTE_ADDR", "127.0.0.1");
        cgi.env("REQUEST_METHOD", &request.method).env("PATH_INFO", path).env("QUERY_STRING", query);
        cgi.env("CONTENT_LENGTH", request.body.len().to_string());
        for (header, variable) in [
            ("Content-Type", "CONTENT_TYPE"),
            ("Content-Encoding", "HTTP_CONTENT_ENCODING"),
            ("Accept-Encoding", "HTTP_ACCEPT_ENCODING"),
            ("Git-Protocol", "GIT_PROTOCOL"),
        ] {
            if let Some(value) = request.header(header) {
                cgi.env(variable, value);
            }
        }
        let mut child = cgi.spawn()?;
        let mut stdin = child.stdin.take().unwrap();
        let body = request.body;
        let feeder = thread::spawn(move || drop(stdin.write_all(&body)));
        let answered = self.answer(&mut BufReader::new(child.stdout.take().unwrap()));
        let _ = feeder.join();
        child.wait()?;
        answered.map(|()| true)
    }

    fn request(&mut self) -> std::io::Result<Option<Request>> {
        let Some(first) = line(&mut self.reader)? else { return Ok(None) };
        let mut words = first.split(' ').map(str::to_owned);
        let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
        let mut headers = Vec::new();
        while let Some(header) = line(&mut self.reader)?.filter(|l| !l.is_empty()) {
            let (name, value) = header.split_once(':').unwrap_or((&header, ""));
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut request = Request { method, target, headers, body: Vec::new() };
        if request.header("Expect").is_some() {
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        if request.header("Transfer-Encoding").is_some() {
            while let Some(size) = line(&mut self.reader)? {
                let size = u64::from_str_radix(size.trim(), 16).unwrap_or(0);
                self.reader.by_ref().take(size).read_to_end(&mut request.body)?;
                line(&mut self.reader)?;
                if size == 0 {
                    break;
                }
            }
        } else if let Some(length) = request.header("Content-Length").and_then(|l| l.parse().ok()) {
            self.reader.by_ref().take(length).read_to_end(&mut request.body)?;
        }
        Ok(Some(request))
    }

    /// Passes on what the program prints: CGI headers, then the body, in chunks.
    fn answer(&mut self, out: &mut impl BufRead) -> std::io::Result<()> {
        let mut status = "200 OK".to_owned();
        let mut headers = String::new();
        while let Some(header) = line(out)?.filter(|l| !l.is_empty()) {
            match header.strip_prefix("Status: ") {
                Some(found) => status = found.to_owned(),
                None => headers.extend([&header, "\r\n"]),
            }
        }
        self.send(format!("HTTP/1.1 {status}\r\n{headers}Transfer-Encoding: chunked\r\n\r\n").as_bytes())?;
        let mut chunk = vec![0; 1 << 16];
        loop {
            let n = out.read(&mut chunk)?;
            self.send(format!("{n:x}\r\n").as_bytes())?;
            self.send(&chunk[..n])?;
            self.send(b"\r\n")?;
            if n == 0 {
                return self.stream.flush();
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)?;
        self.counted.lock().unwrap().bytes += bytes.len() as u64;
        Ok(())
    }
}

/// A line without its end; `None` at the end of the input.
fn line(reader: &mut impl BufRead) -> std::io::Result<Option<String>> {
    let mut line = String::new();
    let read = reader.read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}
