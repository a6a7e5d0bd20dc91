//! Asks a saved model what is in pictures: `cargo run --release --example predict MODEL PICTURE...`.

use std::env;
use std::num::NonZeroUsize;
use std::path::Path;

use onelayer::engine::{EngineKind, Machine, Problem, Team};
use onelayer::model::Model;
use onelayer::picture::{Picture, Shape};
use onelayer::samples::{Element, Rows};

fn main() -> onelayer::Result<()> {
    let mut arguments = env::args().skip(1);
    let Some(path) = arguments.next() else {
        println!("usage: predict MODEL PICTURE...");
        return Ok(());
    };
    let Model { parameters, standardization, objective, classes, .. } = Model::load(Path::new(&path))?;
    let Some(shape) = Shape::of(parameters.features) else {
        println!("{path}: no model of pictures");
        return Ok(());
    };

    // One thread is plenty for single pictures.
    let team = Team::new(NonZeroUsize::MIN)?;
    let problem = Problem {
        initial: &[parameters],
        standardization: &standardization,
        objective: &objective,
        element: Element::U8,
    };
    let mut engine = Machine { engine: EngineKind::Auto, isa: None, team }.engine(&problem)?;

    for path in arguments {
        // The centre square of a picture of any size, averaged to the model's.
        let picture = Picture::read(Path::new(&path), shape)?;
        let rows = Rows::contiguous(&picture.features, picture.features.len());
        let mut logits = vec![0.0; classes.len()];
        engine.forward(&rows, &mut logits)?;

        let best = (0..classes.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
        let best = best.expect("a model has classes");
        match objective.probabilities(&logits) {
            Some(probabilities) => {
                println!("{path}: {} ({:.1} %)", classes[best], 100.0 * probabilities[best])
            }
            None => println!("{path}: {} (score {:.3})", classes[best], logits[best]),
        }
    }
    Ok(())
}
