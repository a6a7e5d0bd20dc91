//! The door between Python and the library: the interpreter's lock is released, Ctrl-C is noticed, callbacks are called on
//! the caller's thread, and no panic gets out.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use onelayer::Result;
use onelayer::sweep::{Progress, Watch};
use onelayer::train::{Control, EpochRecord};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::error::raised;
use crate::history;

/// How often the caller's thread looks for signals.
const LOOK: Duration = Duration::from_millis(20);

/// What the work asks of the caller's thread.
pub struct Caller<'a> {
    stop: &'a AtomicBool,
    records: Option<SyncSender<EpochRecord>>,
    answers: Receiver<()>,
    /// Held by the work alone: when it goes, the work is over.
    _alive: SyncSender<()>,
}

impl Caller<'_> {
    /// Whether the work is to end.
    pub fn stops(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Control for Caller<'_> {
    fn evaluated(&mut self, newest: &[EpochRecord]) {
        if let (Some(records), [record, ..]) = (&self.records, newest)
            && records.send(*record).is_ok()
        {
            // So that what a callback decides does not depend on how fast it is. It fails where the caller has gone.
            let _ = self.answers.recv();
        }
    }

    fn stop(&mut self) -> bool {
        self.stops()
    }
}

impl Watch for Caller<'_> {
    fn progress(&mut self, _progress: &Progress) {}

    fn stop(&mut self) -> bool {
        self.stops()
    }
}

/// Runs `work` on a thread of its own, without the interpreter's lock. The caller's thread waits for it, lets Python answer
/// to signals, and calls `callback` with each record of an evaluation; the work is asked to stop where a signal raises, or
/// the callback raises or returns what is true.
pub fn enter<T: Send>(
    py: Python,
    callback: Option<&Py<PyAny>>,
    work: impl FnOnce(&mut Caller) -> Result<T> + Send,
) -> PyResult<T> {
    let stop = AtomicBool::new(false);
    let (send, records) = mpsc::sync_channel(0);
    let (answer, answers) = mpsc::sync_channel(1);
    let (alive, over) = mpsc::sync_channel::<()>(0);
    let stop = &stop;
    let mut caller = Caller { stop, records: callback.map(|_| send), answers, _alive: alive };
    py.detach(move || {
        let (done, problem) = thread::scope(|scope| {
            let worker = scope.spawn(move || guarded(|| work(&mut caller).map_err(raised)));
            let mut problem = None;
            loop {
                let asked = match callback {
                    Some(callback) => match records.recv_timeout(LOOK) {
                        Ok(record) => Python::attach(|py| call(py, callback, &record)),
                        Err(RecvTimeoutError::Timeout) => signals(),
                        Err(RecvTimeoutError::Disconnected) => break,
                    },
                    None => match over.recv_timeout(LOOK) {
                        Err(RecvTimeoutError::Timeout) => signals(),
                        _ => break,
                    },
                };
                match asked {
                    Ok(false) => {}
                    Ok(true) => stop.store(true, Ordering::Relaxed),
                    Err(error) => {
                        stop.store(true, Ordering::Relaxed);
                        problem = problem.or(Some(error));
                    }
                }
                let _ = answer.try_send(());
            }
            (worker.join().unwrap_or_else(|payload| Err(panicked(&*payload))), problem)
        });
        problem.map_or(done, Err)
    })
}

/// Runs `work`; a panic becomes an error.
pub fn guarded<T>(work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(panicked(&*payload)))
}

fn panicked(payload: &(dyn Any + Send)) -> PyErr {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_string());
    let message = text.or_else(|| payload.downcast_ref::<String>().cloned());
    let message = message.unwrap_or_else(|| "no message".into());
    PyRuntimeError::new_err(format!("onelayer panicked: {message}; please report this as a defect"))
}

fn signals() -> PyResult<bool> {
    Python::attach(|py| py.check_signals()).map(|()| false)
}

/// Whether the callback asks for the end.
fn call(py: Python, callback: &Py<PyAny>, record: &EpochRecord) -> PyResult<bool> {
    let answer = callback.bind(py).call1((history::one(py, record)?,))?;
    py.check_signals()?;
    answer.is_truthy()
}
