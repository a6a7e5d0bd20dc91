//! Trains a model, watches it, and saves it: `cargo run --release --example train [MODEL] [DATA]`.
//!
//! DATA is a folder of CIFAR-10, in any format that the command takes; without it, the built-in synthetic images stand in.

use std::env;
use std::path::Path;
use std::thread;

use onelayer::data::{Dataset, Source, SplitFiles};
use onelayer::engine::{EngineKind, Machine, Team};
use onelayer::train::{Control, EpochRecord, Metrics, Run, Session, Settings, Splits, Which};
use onelayer::train::{evaluate, evaluator};

/// Prints each evaluation.
struct Print;

impl Control for Print {
    fn evaluated(&mut self, records: &[EpochRecord]) {
        let EpochRecord { epoch, validation, .. } = records[0];
        println!(
            "epoch {epoch:>2}: validation loss {:.4}, accuracy {:.4}",
            validation.loss, validation.accuracy
        );
    }
}

fn main() -> onelayer::Result<()> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "model.safetensors".into());
    let source = arguments.next().map_or(Source::Synthetic(0), |folder| Source::Folder(folder.into()));
    let dataset = Dataset::open(&source, &SplitFiles::default())?;

    // The fastest engine, on a thread for each core; one run with the lab's settings, for 10 epochs. More runs here
    // train side by side.
    let team = Team::new(thread::available_parallelism().expect("a machine that knows its cores"))?;
    let machine = Machine { engine: EngineKind::Auto, isa: None, team };
    let runs = Run::single(Settings { lambda: 0.1, epochs: 10, ..Settings::default() });

    let mut session = Session::new(Splits::from(&dataset), runs, &machine)?;
    session.run(&mut Print)?;
    let model = session.models(Which::Last).swap_remove(0).expect("a run that did not diverge");

    let test = dataset.test.samples();
    let mut engine = evaluator(std::slice::from_ref(&model), test.element(), &machine)?;
    let found = evaluate(&mut *engine, &test, &mut ())?.expect("nothing stops it");
    println!("{} test images: accuracy {:.4}", dataset.name, Metrics::of_model(&found[0], &model).accuracy);
    model.save(Path::new(&path))?;
    println!("saved {path}");
    Ok(())
}
