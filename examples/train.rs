//! Trains a model, watches it, and saves it: `cargo run --release --example train [MODEL] [DATA]`.
//!
//! DATA is a folder of CIFAR-10, in any format that the command takes; without it, the built-in synthetic images stand in.

use std::env;
use std::path::Path;
use std::thread;

use onelayer::data::{Dataset, Source, SplitFiles};
use onelayer::engine::{EngineKind, Machine, Problem, Team};
use onelayer::model::{Model, Parameters, Standardization};
use onelayer::objective::Objective;
use onelayer::train::{Config, Run, Trainer};

fn main() -> onelayer::Result<()> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "model.safetensors".into());
    let source = arguments.next().map_or(Source::Synthetic(0), |folder| Source::Folder(folder.into()));

    // Data, and what standardizes it: measured on the training split alone.
    let dataset = Dataset::open(&source, &SplitFiles::default())?;
    let (train, validation) = (dataset.train.samples(), dataset.validation.samples());
    let standardization = Standardization::measure(&train);

    // Settings: one run with the lab's batches of 100, for 10 epochs. More runs here train side by side.
    let run = Run { name: "example".into(), eta: 0.001, lambda: 0.1 };
    let config = Config { runs: vec![run], epochs: 10, ..Config::lab() };

    // An engine that starts from random weights, on a thread for each core.
    let initial = Parameters::random(dataset.classes.len(), train.features(), config.seed);
    let team = Team::new(thread::available_parallelism().expect("a machine that knows its cores"))?;
    let objective = Objective::default();
    let problem = Problem { initial: &[initial], standardization: &standardization, objective };
    let mut engine = Machine { engine: EngineKind::Auto, isa: None, team }.engine(&problem)?;

    let mut trainer = Trainer::new(&mut *engine, &config, &train, &validation)?;
    trainer.run(|records| {
        let (epoch, reached) = (records[0].epoch, records[0].validation);
        println!("epoch {epoch:>2}: validation loss {:.4}, accuracy {:.4}", reached.loss, reached.accuracy);
    })?;
    let finished = trainer.finish(&dataset.test.samples())?.swap_remove(0);
    println!("{} test images: accuracy {:.4}", dataset.name, finished.metrics.accuracy);

    let parameters = finished.parameters;
    let model = Model { parameters, standardization, classes: dataset.classes, metadata: Default::default() };
    model.save(Path::new(&path))?;
    println!("saved {path}");
    Ok(())
}
