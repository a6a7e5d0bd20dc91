//! Measures a roofline.

use std::hint::black_box;
use std::time::Instant;

use super::model::{Bandwidth, Numbers, Peak, Roofline};
use super::timing::{Budget, Timing};
use crate::engine::{Buffer, Isa, Member, Team};
use crate::error::Result;
use crate::machine::{Caches, Level};

/// The least seconds of one sample: so many that starting and stopping do not matter.
const SAMPLE: f64 = 1e-3;

/// Measures the peaks of `isas`, the fastest first, and the bandwidths that the first of them gets, on each of
/// `teams`. Each figure takes `budget`. Fails if a thread panics.
///
/// # Panics
/// If there are no instruction sets.
pub fn measure(isas: &[Isa], teams: &mut [Team], budget: Budget) -> Result<Roofline> {
    let clock = clock();
    let caches = Caches::detect();
    let mut roofline = Roofline { clock, caches, peaks: Vec::new(), bandwidths: Vec::new() };
    for team in teams {
        for &isa in isas {
            for numbers in Numbers::ALL {
                roofline.peaks.push(peak(numbers, isa, team, budget, clock)?);
            }
        }
        for level in Level::ALL {
            roofline.bandwidths.push(bandwidth(isas[0], level, &caches, team, budget)?);
        }
    }
    Ok(roofline)
}

/// The clock of this core in GHz. Only x86-64's shifts and exclusive ors are known to take a cycle each.
fn clock() -> Option<f64> {
    const ROUNDS: usize = 1_000_000;
    const CYCLES_A_ROUND: f64 = 6.0;
    let round = |mut state: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^ (state << 17)
    };
    // The fastest of several: whatever disturbs makes it slower.
    let sample = |_| {
        let start = Instant::now();
        black_box((0..ROUNDS).fold(black_box(1), |state, _| round(state)));
        start.elapsed().as_secs_f64()
    };
    let seconds = (0..9).map(sample).fold(f64::INFINITY, f64::min);
    cfg!(target_arch = "x86_64").then_some(CYCLES_A_ROUND * ROUNDS as f64 / seconds / 1e9)
}

fn peak(numbers: Numbers, isa: Isa, team: &mut Team, budget: Budget, clock: Option<f64>) -> Result<Peak> {
    let threads = team.threads();
    // An instruction multiplies two 16-bit numbers in each lane.
    let (multiply_adds, each) = match numbers {
        Numbers::F32 => (Isa::multiply_adds as fn(Isa, usize) -> f64, isa.lanes()),
        Numbers::Fixed => (Isa::fixed_multiply_adds as _, 2 * isa.lanes()),
    };
    let work = |rounds| {
        black_box(multiply_adds(isa, rounds));
    };
    let rounds = repeats(work);
    let flops = threads as f64 * multiply_adds(isa, rounds);
    let timing = samples(team, budget, |_| work(rounds))?;
    let gflops = flops / timing.median / 1e9;
    let per_cycle = clock.map(|clock| gflops / clock / (2 * each * threads) as f64);
    let isa = isa.name().into();
    Ok(Peak { numbers, isa, threads, gflops, spread: timing.spread(), per_cycle })
}

fn bandwidth(isa: Isa, level: Level, caches: &Caches, team: &mut Team, budget: Budget) -> Result<Bandwidth> {
    let threads = team.threads();
    let bytes = caches.bytes_in(level, threads);
    // Each thread makes its own, so that the pages lie where it runs.
    let buffers = team.run(|_| Buffer::new(bytes))?;
    let read = |buffer: &Buffer, passes: usize| {
        black_box(isa.read(buffer, passes));
    };
    let passes = repeats(|passes| read(&buffers[0], passes));
    let timing = samples(team, budget, |member| read(&buffers[member.rank().index], passes))?;
    let bytes = buffers.iter().map(Buffer::bytes).sum();
    let gigabytes = (bytes * passes) as f64 / timing.median / 1e9;
    Ok(Bandwidth { level, threads, bytes, gigabytes, spread: timing.spread() })
}

/// How many repeats of `work` take a sample's time.
fn repeats(work: impl Fn(usize)) -> usize {
    let mut repeats = 1;
    loop {
        let start = Instant::now();
        work(repeats);
        if start.elapsed().as_secs_f64() > SAMPLE {
            return repeats;
        }
        repeats *= 2;
    }
}

/// Times `work` on all threads at once, from their common start to the end of the last.
fn samples(team: &mut Team, budget: Budget, work: impl Fn(&Member) + Sync) -> Result<Timing> {
    budget.repeat(Instant::now(), Vec::new(), || {
        let taken = team.run(|member| {
            member.wait();
            let start = Instant::now();
            work(&member);
            start.elapsed().as_secs_f64()
        })?;
        Ok(taken.into_iter().fold(0.0, f64::max))
    })
}
