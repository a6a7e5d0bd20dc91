//! Trains with checkpoints, is stopped by another thread, and goes on to the bits of a session that never stopped:
//! `cargo run --release --example resume`.

use std::env;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use onelayer::data::{Dataset, Source, SplitFiles};
use onelayer::engine::{EngineKind, Machine, Team};
use onelayer::train::{Checkpoint, Control, End, Run, Session, Settings, Splits, Which};

/// Stops when somebody asks for it.
struct Stop<'a>(&'a AtomicBool);

impl Control for Stop<'_> {
    fn stop(&mut self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

fn main() -> onelayer::Result<()> {
    let dataset = Dataset::open(&Source::Synthetic(0), &SplitFiles::default())?;
    let team = Team::new(thread::available_parallelism().expect("a machine that knows its cores"))?;
    let machine = Machine { engine: EngineKind::Auto, isa: None, team };
    let runs = Run::single(Settings { epochs: 20, shuffle: true, ..Settings::default() });
    let path = env::temp_dir().join(format!("onelayer-example-{}.checkpoint", std::process::id()));

    let asked = AtomicBool::new(false);
    let mut session = Session::new(Splits::from(&dataset), runs.clone(), &machine)?;
    session.save_checkpoints(1, |checkpoint| checkpoint.save(&path));
    let end = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(30));
            asked.store(true, Ordering::Relaxed);
        });
        session.run(&mut Stop(&asked))
    })?;
    println!("{end:?} after {} of 20 epochs", session.epoch());

    if end == End::Stopped {
        session = Session::resume(Splits::from(&dataset), Checkpoint::load(&path)?, &machine)?;
        session.run(&mut ())?;
    }
    let mut whole = Session::new(Splits::from(&dataset), runs, &machine)?;
    whole.run(&mut ())?;
    assert_eq!(session.models(Which::Last), whole.models(Which::Last), "the same bits");
    println!("resumed to the same model as without a stop");
    std::fs::remove_file(&path).ok();
    Ok(())
}
