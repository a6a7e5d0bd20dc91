//! How a step would scale on more cores than this machine has: what each member does follows from how work is shared, and
//! what that costs is measured here.
//!
//! ```text
//! step = the largest forward share x its cost
//!      + a barrier
//!      + the softmax of the whole batch, which every member makes: its logits, and the partial logits that it adds up,
//!        of which those of the other members come from their cores, line by line
//!      + the largest backward share x its cost
//!      + where members do not own features: a second barrier, and the weights that others updated, line by line
//! barrier = that of two members, and a line more for each further one
//! ```
//!
//! It leaves out what it cannot know: several sockets, whose lines are slower, and the bandwidth of memory, which many cores
//! share.

use std::sync::Mutex;

use onelayer::bench::roofline::Budget;
use onelayer::engine::{Fused, Isa, Member, Problem, Share, Stage, Stages, Step, Team};
use onelayer::model::{Parameters, Standardization};
use onelayer::objective::Objective;
use onelayer::report::Table;
use onelayer::samples::Element;

use super::Outcome;
use super::job::{Job, Pool};

/// The numbers of threads of the table.
const THREADS: [usize; 8] = [1, 2, 4, 8, 16, 32, 64, 128];
/// D, K and B of the jobs in it.
const SHAPES: [(usize, usize, usize); 5] =
    [(3072, 10, 100), (768, 10, 100), (3072, 100, 100), (6400, 1000, 1000), (49_152, 10, 100)];
/// Numbers of a line.
const NUMBERS: usize = 16;

/// What the parts of a step cost on this machine, in seconds.
struct Costs {
    /// Sixteen features by sixteen images by a column.
    forward: f64,
    backward: f64,
    /// A logit, from the sum of its partial logits to its gradient; and a partial logit.
    logit: f64,
    partial_logit: f64,
    /// A barrier of two members.
    barrier: f64,
    /// A line that another core has written.
    line: f64,
}

/// The parts of a step, in seconds.
#[derive(Clone, Copy)]
struct Parts {
    products: f64,
    softmax: f64,
    lines: f64,
    barriers: f64,
}

impl Parts {
    fn sum(self) -> f64 {
        self.products + self.softmax + self.lines + self.barriers
    }
}

/// Measures what steps cost here, and prints what they would on more threads.
pub fn print(budget: Budget) -> Outcome<()> {
    let costs = Costs::measure(budget)?;
    println!(
        "A group of 16 features by 16 images by a column: forward {:.1} ns, backward {:.1} ns. A logit {:.2} ns, a partial \
         logit {:.3} ns. A barrier of two {:.0} ns, a line from another core {:.1} ns.\n",
        1e9 * costs.forward,
        1e9 * costs.backward,
        1e9 * costs.logit,
        1e9 * costs.partial_logit,
        1e9 * costs.barrier,
        1e9 * costs.line
    );
    let threads = THREADS.map(|threads| format!("{threads}"));
    let header = ["D x K, B", "measured 2", "step us"].map(String::from).into_iter().chain(threads);
    let mut table = Table::new(header.chain(["the fastest: products, softmax, lines, barriers".into()]));
    for (features, classes, batch) in SHAPES {
        let simulated = THREADS.map(|threads| costs.step(features, classes, batch, threads));
        let one = simulated[0].sum();
        let fastest = simulated.iter().min_by(|a, b| a.sum().total_cmp(&b.sum())).expect("some threads");
        let part = |part: f64| format!("{:.0} %", 100.0 * part / fastest.sum());
        let Parts { products, softmax, lines, barriers } = *fastest;
        let mut row = vec![format!("{features} x {classes}, {batch}")];
        row.push(format!("{:.2}", measured(features, classes, batch, budget)?));
        row.push(format!("{:.1}", 1e6 * one));
        row.extend(simulated.map(|parts| format!("{:.1}", one / parts.sum())));
        row.push([products, softmax, lines, barriers].map(part).join(", "));
        table.rows.push(row);
    }
    println!("{}", table.markdown());
    Ok(())
}

impl Costs {
    fn measure(budget: Budget) -> Outcome<Self> {
        let (classes, batch) = (10, 100);
        let groups = batch_groups(batch);
        // Four partial logits a logit, and one.
        let [wide, narrow] = [6144, 768].map(|features| -> Outcome<_> {
            let seconds = stages(features, classes, batch, budget)?;
            Ok((seconds, Stages::shares(features, classes, batch, 1)[0]))
        });
        let ([forward, many, backward], Share { partial_logits: four, .. }) = wide?;
        let ([_, few, _], Share { partial_logits: one, .. }) = narrow?;
        let each = (6144 / NUMBERS * groups * classes) as f64;
        let logits = (groups * NUMBERS * classes) as f64;
        let partial_logit = (many - few) / logits / (four - one) as f64;
        let [barrier, line] = exchange(budget)?;
        Ok(Self {
            forward: forward / each,
            backward: backward / each,
            logit: few / logits - one as f64 * partial_logit,
            partial_logit,
            barrier,
            line,
        })
    }

    /// A step of `threads` members.
    fn step(&self, features: usize, classes: usize, batch: usize, threads: usize) -> Parts {
        let shares = Stages::shares(features, classes, batch, threads);
        let largest = |of: fn(&Share) -> usize| shares.iter().map(of).max().unwrap_or(0) as f64;
        let (columns, groups) = (classes as f64, batch_groups(batch));
        let logits = (groups * NUMBERS * classes) as f64;
        let partial_logits = shares[0].partial_logits as f64 * logits;
        let others = 1.0 - 1.0 / threads as f64;
        let mut lines = others * partial_logits / NUMBERS as f64;
        if shares[0].barriers == 2 {
            // The weights of the features that it multiplies, but for its own.
            lines += others * largest(|share| share.forward) / groups as f64 * columns;
        }
        let barrier = match threads {
            1 => 0.0,
            _ => self.barrier + (threads - 2) as f64 * self.line,
        };
        Parts {
            products: columns
                * (largest(|share| share.forward) * self.forward
                    + largest(|share| share.backward) * self.backward),
            softmax: logits * self.logit + partial_logits * self.partial_logit,
            lines: lines * self.line,
            barriers: shares[0].barriers as f64 * barrier,
        }
    }
}

fn batch_groups(batch: usize) -> usize {
    batch.div_ceil(NUMBERS)
}

/// The seconds of each stage of a step on one thread.
fn stages(features: usize, classes: usize, batch: usize, budget: Budget) -> Outcome<[f64; 3]> {
    let job = Job { images: batch, features, classes, batch, ..Job::lab(1) };
    let pool = Pool::new(batch * features);
    let standardization = Standardization { mean: vec![0.5; features], std: vec![0.25; features] };
    let initial = [Parameters::random(classes, features, 0)];
    let objective = &Objective::default();
    let problem =
        Problem { initial: &initial, standardization: &standardization, objective, element: Element::U8 };
    let engine = Fused::simd(Isa::fastest(), &problem, Team::new(std::num::NonZeroUsize::MIN)?)?;
    pool.with(&job, |samples| {
        let mut stages = Stages::new(engine, samples);
        let mut seconds = [0.0; 3];
        for (seconds, stage) in seconds.iter_mut().zip([Stage::Forward, Stage::Softmax, Stage::Backward]) {
            *seconds = budget.time(|| stages.run(stage, 100, Step::default()))?.median / 100.0;
        }
        Ok(seconds)
    })
}

/// The seconds of a barrier of two members, and of a line that the other one has changed before.
fn exchange(budget: Budget) -> Outcome<[f64; 2]> {
    const ROUNDS: usize = 1000;
    const LINES: usize = 64;
    let mut team = Team::new(2.try_into()?)?;
    let buffers = [(); 2].map(|()| Mutex::new(vec![[0f32; NUMBERS]; LINES]));
    // In each round a member changes the lines that the other one changed in the round before.
    let change = |member: Member| {
        for round in 0..ROUNDS {
            let mut lines = buffers[(member.rank().index + round) % 2].lock().expect("nobody panics");
            lines.iter_mut().for_each(|line| line[0] += 1.0);
            drop(lines);
            member.wait();
        }
    };
    let changing = budget.time(|| team.run(change).map(drop))?.median / ROUNDS as f64;
    let waiting = budget.time(|| team.run(|member| (0..ROUNDS).for_each(|_| member.wait())).map(drop))?;
    let barrier = waiting.median / ROUNDS as f64;
    Ok([barrier, (changing - barrier).max(0.0) / LINES as f64])
}

/// How many times as fast two threads train as one.
fn measured(features: usize, classes: usize, batch: usize, budget: Budget) -> Outcome<f64> {
    let images = (30_720_000 / features / classes * 10).clamp(batch, 20_000) / batch * batch;
    let pool = Pool::new(images * features);
    let seconds = [1, 2].map(|threads| -> Outcome<f64> {
        // At most 256 classes a run.
        let runs = classes.div_ceil(256);
        let job = Job { images, features, classes: classes / runs, runs, batch, ..Job::lab(threads) };
        Ok(pool.with(&job, |samples| job.time(samples, budget))?.0.median)
    });
    let [one, two] = seconds;
    Ok(one? / two?)
}
