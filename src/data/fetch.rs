//! Fetching: an official archive from its host to a checked folder of record files.
//!
//! What has arrived stays in a `.part` file, so that neither a broken connection nor an interrupted program loses
//! it: the next attempt, or the next call, asks for the rest.

mod terms;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;

use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

use super::archive::Archive;
use crate::error::{Error, Result};

pub use terms::{Event, Fetched, Origin, Patience};

/// Gets `archive` from `origin` and unpacks it in the folder `into`, which is made where it is not there. A data set
/// that is already unpacked there is only verified. `observe` is told what is happening.
///
/// # Errors
/// A host that does not answer, or not with the archive; a file that is not the archive; files that are not those of
/// the archive; another call that is fetching the same; what the system refuses.
pub fn fetch(
    archive: &Archive,
    origin: &Origin,
    into: &Path,
    observe: &mut dyn FnMut(Event),
) -> Result<Fetched> {
    let folder = into.join(&archive.folder);
    let verify = |present| {
        let files = archive.verify(&folder)?;
        Ok(Fetched { folder: folder.clone(), present, files })
    };
    if folder.exists() {
        return verify(true);
    }
    fs::create_dir_all(into).map_err(Error::io(into, "make the folder"))?;
    let mut part = Part::open(&into.join(format!("{}.tar.gz.part", archive.folder)))?;
    // Another call may have been busy until now.
    let present = folder.exists();
    let unpacked = match origin {
        _ if present => Ok(()),
        Origin::File(path) => archive.check(path).and_then(|()| archive.unpack(path, &folder)),
        Origin::Url(url, patience) => download(archive, url, *patience, &mut part, observe)
            .and_then(|()| archive.unpack(&part.path, &folder)),
    };
    if unpacked.is_ok() || part.len == 0 {
        fs::remove_file(&part.path).map_err(Error::io(&part.path, "remove"))?;
    }
    unpacked?;
    verify(present)
}

/// Fills `part` with the archive.
fn download(
    archive: &Archive,
    url: &str,
    patience: Patience,
    part: &mut Part,
    observe: &mut dyn FnMut(Event),
) -> Result<()> {
    let source = Host { archive, url, patience };
    let resumed = part.len > 0;
    source.complete(part, observe)?;
    match archive.check(&part.path) {
        // What an earlier call left may be of another file.
        Err(Error::Format { .. }) if resumed => {
            part.restart(0)?;
            source.complete(part, observe)?;
        }
        checked => return checked.map_err(|error| part.discarded(error)),
    }
    archive.check(&part.path).map_err(|error| part.discarded(error))
}

/// An archive at an address.
struct Host<'a> {
    archive: &'a Archive,
    url: &'a str,
    patience: Patience,
}

/// Why an attempt failed.
enum Failure {
    /// Another attempt may do better.
    Passing(String),
    /// None will.
    Lasting(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Lasting(error)
    }
}

impl Host<'_> {
    /// Downloads what is missing of `part`, in as many attempts as patience allows.
    fn complete(&self, part: &mut Part, observe: &mut dyn FnMut(Event)) -> Result<()> {
        let stall = Some(self.patience.stall);
        let agent: Agent = Agent::config_builder()
            .timeout_resolve(stall)
            .timeout_connect(stall)
            .timeout_recv_response(stall)
            .timeout_per_read(stall)
            .http_status_as_error(false)
            .user_agent(concat!("onelayer/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        let (mut pause, mut before) = (self.patience.pause, None);
        for attempt in 1.. {
            if part.len != self.archive.bytes {
                observe(Event::Asking { url: self.url, attempt, problem: before.as_deref() });
            }
            let problem = match self.attempt(&agent, part, observe) {
                Ok(()) => break,
                Err(Failure::Lasting(error)) => return Err(error),
                Err(Failure::Passing(problem)) => problem,
            };
            if attempt >= self.patience.attempts {
                let problem = format!("{problem}, after {attempt} attempts; another call goes on from there");
                return Err(self.error(problem));
            }
            thread::sleep(pause);
            before = Some(problem);
            pause = (2 * pause).min(self.patience.stall);
        }
        part.file.sync_all().map_err(Error::io(&part.path, "write"))
    }

    /// One request for what is missing.
    fn attempt(&self, agent: &Agent, part: &mut Part, observe: &mut dyn FnMut(Event)) -> Result<(), Failure> {
        if part.len > self.archive.bytes {
            part.restart(0)?;
        }
        if part.len == self.archive.bytes {
            return Ok(());
        }
        let mut request = agent.get(self.url);
        if part.len > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", part.len));
        }
        let response = request.call().map_err(|error| self.refused(&error))?;
        if part.len > 0 && response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            part.restart(0)?;
            return Err(Failure::Passing("the host has no such range".into()));
        }
        part.restart(self.start(&response, part.len)?)?;
        self.receive(response.into_body(), part, observe)
    }

    /// The byte that the body of a response begins with.
    fn start(&self, response: &Response<Body>, asked: u64) -> Result<u64, Failure> {
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let whole = self.archive.bytes;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {
                let range = header(header::CONTENT_RANGE).unwrap_or("no range");
                if range == format!("bytes {asked}-{}/{whole}", whole - 1) {
                    return Ok(asked);
                }
                Err(self.error(format!("expected the bytes from {asked} of {whole}, found {range}")).into())
            }
            StatusCode::OK => match response.body().content_length() {
                Some(length) if length != whole => {
                    let kind = header(header::CONTENT_TYPE).unwrap_or("no type");
                    Err(self.error(format!("expected {whole} bytes, found {length} of {kind}")).into())
                }
                _ => Ok(0),
            },
            status if status.is_server_error() || [408, 429].contains(&status.as_u16()) => {
                Err(Failure::Passing(format!("the host says {status}")))
            }
            status => Err(self.error(format!("the host says {status}")).into()),
        }
    }

    /// Appends a body to `part`.
    fn receive(&self, body: Body, part: &mut Part, observe: &mut dyn FnMut(Event)) -> Result<(), Failure> {
        let mut body = body.into_reader();
        let mut buffer = vec![0; 1 << 16];
        while part.len < self.archive.bytes {
            observe(Event::Here(part.len));
            let broken = |error| Failure::Passing(format!("{error} after {} bytes", part.len));
            let length = body.read(&mut buffer).map_err(broken)?;
            if length == 0 {
                let problem = format!("expected {} bytes, found {}", self.archive.bytes, part.len);
                return Err(Failure::Passing(problem));
            }
            part.append(&buffer[..length])?;
        }
        observe(Event::Here(part.len));
        if part.len > self.archive.bytes {
            let found = format!("expected {} bytes, found more", self.archive.bytes);
            part.restart(0)?;
            return Err(self.error(found).into());
        }
        Ok(())
    }

    /// A request that got no answer.
    fn refused(&self, error: &ureq::Error) -> Failure {
        use ureq::Error::{BadUri, HostNotFound, Http, Io, RequireHttpsOnly, Timeout, TooManyRedirects};
        match error {
            HostNotFound | Timeout(ureq::Timeout::Resolve) => self.unknown_host(error).into(),
            // The standard library has no kind of error for it.
            Io(cause) if cause.to_string().starts_with("failed to lookup address") => {
                self.unknown_host(cause).into()
            }
            BadUri(_) | Http(_) | RequireHttpsOnly(_) | TooManyRedirects => {
                self.error(error.to_string()).into()
            }
            _ => Failure::Passing(error.to_string()),
        }
    }

    fn unknown_host(&self, error: &dyn std::fmt::Display) -> Error {
        self.error(format!("its name cannot be resolved: is there a network? ({error})"))
    }

    fn error(&self, problem: String) -> Error {
        Error::Download { url: self.url.into(), problem }
    }
}

/// The part of an archive that is here. It is locked, so that two calls do not write it both.
struct Part {
    path: PathBuf,
    file: File,
    len: u64,
}

impl Part {
    fn open(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).read(true).write(true).open(path);
        let mut file = file.map_err(Error::io(path, "write"))?;
        // A file system without locks is no reason not to fetch.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(Error::format(path, "nobody else to be fetching", "another call that is writing it"));
        }
        let len = file.seek(SeekFrom::End(0)).map_err(Error::io(path, "read"))?;
        Ok(Self { path: path.to_path_buf(), file, len })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(Error::io(&self.path, "write"))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Goes on from the byte `len`; what is behind it is dropped.
    fn restart(&mut self, len: u64) -> Result<()> {
        if len != self.len {
            let cut = self.file.set_len(len).and_then(|()| self.file.seek(SeekFrom::Start(len)));
            self.len = cut.map_err(Error::io(&self.path, "write"))?;
        }
        Ok(())
    }

    /// `error`, which says that this is not the archive: nothing goes on from here.
    fn discarded(&mut self, error: Error) -> Error {
        self.restart(0).err().unwrap_or(error)
    }
}
