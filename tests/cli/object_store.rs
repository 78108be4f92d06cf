//! A small object store on a loopback port, as S3, Google and Azure answer: whole objects by their path, with ranges and versions.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

/// Parts of an upload, by their numbers.
type Parts = BTreeMap<u32, Vec<u8>>;

#[derive(Default)]
struct Stored {
    objects: BTreeMap<String, Vec<u8>>,
    uploads: HashMap<String, Parts>,
    refuses_writes: bool,
    unsigned: u32,
}

/// It serves until the test's process ends.
pub(crate) struct ObjectServer {
    address: SocketAddr,
    stored: Arc<Mutex<Stored>>,
}

struct Request {
    method: String,
    path: String,
    query: HashMap<String, String>,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl ObjectServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stored = Arc::new(Mutex::new(Stored::default()));
        let shared = Arc::clone(&stored);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, shared) = (stream.unwrap(), Arc::clone(&shared));
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, stored }
    }

    pub(crate) fn put(&self, path: &str, content: impl Into<Vec<u8>>) {
        let mut stored = self.stored.lock().unwrap();
        stored.objects.insert(path.to_owned(), content.into());
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.stored
            .lock()
            .unwrap()
            .objects
            .keys()
            .cloned()
            .collect()
    }

    pub(crate) fn text(&self, path: &str) -> String {
        let stored = self.stored.lock().unwrap();
        String::from_utf8_lossy(&stored.objects[path]).into_owned()
    }

    pub(crate) fn refuse_writes(&self) {
        self.stored.lock().unwrap().refuses_writes = true;
    }

    /// Requests of S3 or Azure without a signature.
    pub(crate) fn unsigned(&self) -> u32 {
        self.stored.lock().unwrap().unsigned
    }

    /// Sets the variables by which each of the three stores is found here.
    pub(crate) fn set_variables(&self, command: &mut Command) {
        let url = format!("http://{}", self.address);
        command.envs([
            ("AWS_ENDPOINT", url.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("GOOGLE_BASE_URL", &url),
            ("GOOGLE_ALLOW_HTTP", "true"),
            ("GOOGLE_BEARER_TOKEN", "token"),
            ("AZURE_STORAGE_ENDPOINT", &url),
            ("AZURE_ALLOW_HTTP", "true"),
            ("AZURE_STORAGE_ACCOUNT_NAME", "account"),
            ("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0"),
        ]);
    }
}

fn serve(stream: TcpStream, stored: &Mutex<Stored>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    while let Some(request) = read(&mut reader) {
        let (status, headers, body) = answer(&request, &mut stored.lock().unwrap());
        let mut head = format!("HTTP/1.1 {status}\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !head.contains("Content-Length") {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        let whole = [head.as_bytes(), b"\r\n", &body].concat();
        if stream.write_all(&whole).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pairs = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    Some(Request {
        method,
        path: decoded(path),
        query: pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        headers,
        body,
    })
}

/// Google gets every special character of a key percent-encoded.
fn decoded(path: &str) -> String {
    let mut parts = path.split('%');
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let (code, rest) = part.split_at(2);
        text.push(char::from(u8::from_str_radix(code, 16).unwrap()));
        text.push_str(rest);
    }
    text
}

type Answer = (&'static str, Vec<(&'static str, String)>, Vec<u8>);

fn answer(request: &Request, stored: &mut Stored) -> Answer {
    if !request.headers.contains_key("authorization") {
        stored.unsigned += 1;
    }
    let etag = |bytes: &[u8]| {
        format!(
            "\"{}-{}\"",
            bytes.len(),
            bytes.iter().map(|b| u64::from(*b)).sum::<u64>()
        )
    };
    let made = |bytes: &[u8]| ("200 OK", vec![("ETag", etag(bytes))], Vec::new());
    let xml = |text: &str| {
        (
            "200 OK",
            vec![("ETag", "\"x\"".to_owned())],
            text.as_bytes().to_vec(),
        )
    };
    let has = |name: &str| request.query.contains_key(name);
    match request.method.as_str() {
        "PUT" | "POST" if stored.refuses_writes => {
            ("403 Forbidden", Vec::new(), b"AccessDenied".to_vec())
        }
        "POST" if has("uploads") => {
            stored.uploads.insert(request.path.clone(), Parts::new());
            xml(
                "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>",
            )
        }
        "PUT" if has("partNumber") => {
            let number = request.query["partNumber"].parse().unwrap();
            let parts = stored.uploads.get_mut(&request.path).unwrap();
            parts.insert(number, request.body.clone());
            made(&request.body)
        }
        "POST" if has("uploadId") => {
            let parts = stored.uploads.remove(&request.path).unwrap();
            let whole = parts.into_values().flatten().collect();
            stored.objects.insert(request.path.clone(), whole);
            xml("<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")
        }
        "PUT" => {
            stored
                .objects
                .insert(request.path.clone(), request.body.clone());
            let (_, headers, body) = made(&request.body);
            ("201 Created", headers, body)
        }
        "GET" | "HEAD" => match stored.objects.get(&request.path) {
            None => ("404 Not Found", Vec::new(), Vec::new()),
            Some(object) => get(request, object, etag(object)),
        },
        _ => ("405 Method Not Allowed", Vec::new(), Vec::new()),
    }
}

fn get(request: &Request, object: &[u8], etag: String) -> Answer {
    let mut headers = vec![
        ("ETag", etag.clone()),
        ("Last-Modified", "Tue, 01 Dec 2026 10:00:00 GMT".to_owned()),
    ];
    if request.method == "HEAD" {
        headers.push(("Content-Length", object.len().to_string()));
        return ("200 OK", headers, Vec::new());
    }
    if request
        .headers
        .get("if-match")
        .is_some_and(|wanted| *wanted != etag)
    {
        return ("412 Precondition Failed", Vec::new(), Vec::new());
    }
    let range = request
        .headers
        .get("range")
        .or(request.headers.get("x-ms-range"));
    let Some((first, last)) =
        range.and_then(|range| range.trim_start_matches("bytes=").split_once('-'))
    else {
        return ("200 OK", headers, object.to_vec());
    };
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    let last = last.min(object.len() - 1);
    headers.push((
        "Content-Range",
        format!("bytes {first}-{last}/{}", object.len()),
    ));
    (
        "206 Partial Content",
        headers,
        object[first..=last].to_vec(),
    )
}
